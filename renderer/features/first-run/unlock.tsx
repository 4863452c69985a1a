import { useState } from 'react'
import type { WorkspaceStatus } from '../../../shared/contract/workspace.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, TextField } from '../../ui/field.tsx'
import css from './first-run.module.css'
import { Form } from '../../ui/form.tsx'
import ui from '../../ui/ui.module.css'

/** The keychain does not open the workspace: the passphrase does. */
export function Unlock({ status }: { readonly status: WorkspaceStatus }) {
  const { client } = useHost()
  const action = useAction()
  const [passphrase, setPassphrase] = useState('')
  const [remember, setRemember] = useState(status.error?.code === 'workspace.keychain_lost_key')
  const unlock = async (): Promise<void> => {
    await action.run(async () => await client.workspace.unlock({ passphrase, rememberInKeychain: remember && status.keychainAvailable }))
  }
  const unexpected = action.error ?? (status.error?.code === 'workspace.locked' ? null : status.error)
  return (
    <main className={css['stage']}>
      <Form className={`${css['panel'] ?? ''} ${ui['stack'] ?? ''}`} refused={action.error} onSubmit={() => void unlock()}>
        <div>
          <h1>Open your workspace</h1>
          <p className="quiet">Enter the recovery passphrase. Your data is intact.</p>
        </div>
        {unexpected ? <ErrorPanel error={unexpected} /> : null}
        <TextField label="Passphrase" type="password" autoComplete="current-password" autoFocus value={passphrase} onChange={(event) => setPassphrase(event.target.value)} />
        {status.keychainAvailable ? <Check label="Remember the key in this computer's keychain" checked={remember} onChange={(event) => setRemember(event.target.checked)} /> : null}
        <Button type="submit" look="primary" disabled={action.busy || passphrase === ''}>
          {action.busy ? 'Opening…' : 'Open'}
        </Button>
        <p className="quiet small">Folder: {status.folder}</p>
      </Form>
    </main>
  )
}
