import { useState } from 'react'
import type { EvidenceManifest } from '../../../shared/contract/evidence.ts'
import { useHost } from '../../lib/app-context.ts'
import { bytesText } from '../../lib/format.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Check } from '../../ui/field.tsx'
import ui from '../../ui/ui.module.css'

interface Written {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly key: string
  readonly manifest: EvidenceManifest
}

/** One file that proves this delivery to a stranger; says where it is and what to tell its reader. */
export function EvidenceExport({ delivery, open, onClose }: { readonly delivery: string; readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [content, setContent] = useState(true)
  const [written, setWritten] = useState<Written | null>(null)
  const close = (): void => {
    setWritten(null)
    action.clear()
    onClose()
  }
  const write = async (): Promise<void> => {
    const done = await action.run(async () => await client.evidence.export({ delivery, content }))
    if (done !== undefined) setWritten(done)
  }
  return (
    <Dialog title="Export evidence" open={open} onClose={close} wide>
      {written === null ? (
        <>
          <p>One ZIP file with everything that is known of this delivery: its tries, its records of the audit chain, the message and receipt as they travelled, and the certificates. It is signed, and whoever gets it can check it without Waybill.</p>
          <Check label="Put the file itself in" checked={content} onChange={(event) => setContent(event.target.checked)} />
          <p className="quiet small">Without it, its SHA-256 names it: enough where the reader has the file.</p>
        </>
      ) : (
        <div role="status" className={ui['stack']}>
          <Facts
            items={[
              ['Written to', <Copyable key="path" value={written.path} label="path of the file" />],
              ['Size', `${bytesText(written.bytes)}, ${written.manifest.files.length} files`],
              ['SHA-256', <Copyable key="hash" value={written.sha256} label="SHA-256 of the file" />],
              ['Signed with the key', <Copyable key="key" value={written.key} label="SHA-256 of the key" />],
            ]}
          />
          <p className="quiet">Tell the reader the SHA-256 of the key over another channel, by phone for instance: it shows that the evidence is ours.</p>
          {written.manifest.missing.length === 0 ? null : (
            <ul className="small">
              {written.manifest.missing.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          )}
        </div>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={close}>{written === null ? 'Cancel' : 'Close'}</Button>
        {written === null ? (
          <Button look="primary" disabled={action.busy} onClick={() => void write()}>
            {action.busy ? 'Writing…' : 'Export'}
          </Button>
        ) : null}
      </DialogActions>
    </Dialog>
  )
}
