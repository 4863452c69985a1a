import { useState } from 'react'
import { useLocation } from 'wouter'
import type { TrustItemDetail } from '../../../shared/contract/trust.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { NO_PROVENANCE, ProvenanceFields, provenanceOf } from '../partners/provenance-fields.tsx'
import ui from '../../ui/ui.module.css'

type Act = 'retire' | 'revoke' | 'remove'

/** Out of use in order, at once, or gone because it was a mistake. */
export function EndButtons({ item }: { readonly item: TrustItemDetail }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [asking, setAsking] = useState<Act | null>(null)
  const [reason, setReason] = useState('')
  const { id, label } = item
  const close = (): void => setAsking(null)
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    close()
    return (await action.run(act)) !== undefined
  }
  const remove = async (): Promise<void> => {
    if (await run(async () => await client.trust.remove({ id }))) navigate('/trust')
  }
  if (item.state === 'retired') return null
  return (
    <>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {item.bindings.length === 0 ? (
        <Button look="danger" onClick={() => setAsking('remove')}>
          Delete
        </Button>
      ) : (
        <Button look="danger" onClick={() => setAsking('revoke')}>
          Lost or stolen…
        </Button>
      )}
      <Button look="danger" onClick={() => setAsking('retire')}>
        Retire
      </Button>
      <ConfirmDialog title={`Retire ${label}?`} open={asking === 'retire'} action="Retire" onClose={close} onConfirm={() => void run(async () => await client.trust.retire({ id }))}>
        It stays in the inventory for old deliveries, and is never used again. What is still bound is refused, with a list of what would break.
      </ConfirmDialog>
      <ConfirmDialog title={`Delete ${label}?`} open={asking === 'remove'} action="Delete" onClose={close} onConfirm={() => void remove()}>
        It was never used. With a private key, the key is destroyed; only the audit trail remembers it.
      </ConfirmDialog>
      <Dialog title={`${label} is lost or stolen`} open={asking === 'revoke'} onClose={close}>
        <p>Every use of it ends at once, and it is never used again. The page lists under “Without it” what that stops. Tell your partners: they decide on their side what they still accept.</p>
        <TextField label="What happened" autoFocus value={reason} onChange={(event) => setReason(event.target.value)} />
        <DialogActions>
          <Button onClick={close}>Cancel</Button>
          <Button look="danger" disabled={action.busy || reason.trim().length < 5} onClick={() => void run(async () => await client.trust.revoke({ id, reason, confirmed: true }))}>
            End every use now
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}

/** A letter, a mail, a form: a file that shows how the item is known. */
export function AttachDialog({ item, open, onClose }: { readonly item: TrustItemDetail; readonly open: boolean; readonly onClose: () => void }) {
  const host = useHost()
  const action = useAction()
  const [file, setFile] = useState<File | null>(null)
  const [how, setHow] = useState({ ...NO_PROVENANCE, source: 'mail' as typeof NO_PROVENANCE.source })
  const run = async (): Promise<void> => {
    if (file === null) return
    const done = await action.run(async () => await host.client.trust.attach({ id: item.id, source: { capability: await host.fileCapability(file) }, provenance: provenanceOf(how) }))
    if (done === undefined) return
    setFile(null)
    onClose()
  }
  return (
    <Dialog title={`How we know ${item.label}`} open={open} onClose={onClose}>
      <label className={ui['stack']}>
        <span>A file that shows it, 1 MiB at most. It is kept in the encrypted workspace.</span>
        <input type="file" aria-label="File that shows it" onChange={(event) => setFile(event.target.files?.[0] ?? null)} />
      </label>
      <ProvenanceFields value={how} onChange={setHow} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || file === null} onClick={() => void run()}>
          Keep it
        </Button>
      </DialogActions>
    </Dialog>
  )
}
