import { useRef, useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { toast } from '../../ui/toasts.tsx'
import ui from '../../ui/ui.module.css'

/** Brings a backup back into the empty folder. */
export function RestoreBackup({ onBack }: { readonly onBack: () => void }) {
  const host = useHost()
  const action = useAction()
  const input = useRef<HTMLInputElement>(null)
  const [file, setFile] = useState<File | null>(null)
  const [passphrase, setPassphrase] = useState('')
  const restore = async (): Promise<void> => {
    if (file === null) return
    const result = await action.run(async () => await host.client.workspace.restore({ file: { capability: await host.fileCapability(file) }, passphrase }))
    if (result !== undefined) toast('ok', 'Restored', `${result.verdict.records === 1 ? '1 record is' : `${result.verdict.records} records are`} back. ${result.suspended === 0 ? '' : 'Every partner is suspended: look at what was sent since, then resume them one by one.'}`)
  }
  return (
    <Form className={ui['stack']} refused={action.error} onSubmit={() => void restore()}>
      <div>
        <h1>Restore a backup</h1>
        <p className="quiet">All partners come back suspended, so that nothing is sent a second time before you have looked.</p>
      </div>
      <div className={ui['row']}>
        <Button onClick={() => input.current?.click()}>Choose the file</Button>
        <span className="quiet">{file === null ? 'Its name usually ends in .waybill-backup.' : file.name}</span>
        <input ref={input} type="file" hidden aria-label="Backup to restore" onChange={(event) => setFile(event.target.files?.[0] ?? null)} />
      </div>
      <TextField label="Passphrase of that time" type="password" autoComplete="current-password" value={passphrase} onChange={(event) => setPassphrase(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Button type="submit" look="primary" disabled={action.busy || file === null || passphrase === ''}>
        {action.busy ? 'Restoring…' : 'Restore'}
      </Button>
      <Button look="plain" onClick={onBack}>
        Create a new workspace instead
      </Button>
    </Form>
  )
}
