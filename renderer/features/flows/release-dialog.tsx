import { useState } from 'react'
import type { FlowFile } from '../../../shared/contract/flows.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Lets one file go, or come, once more, with the reason for it. */
export function ReleaseDialog({ flow, file, inbound, onClose }: { readonly flow: string; readonly file: FlowFile | null; readonly inbound: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [reason, setReason] = useState('')
  const release = async (): Promise<void> => {
    const delivery = file?.delivery
    if (file === null || delivery === null || delivery === undefined) return
    if ((await action.run(async () => await client.flows.release({ flow, delivery, reason: reason.trim() }))) === undefined) return
    toast('ok', 'Released', `${file.name} ${inbound ? 'is collected' : 'goes'} once more with the next run.`)
    setReason('')
    onClose()
  }
  return (
    <Dialog title={inbound ? 'Receive it again' : 'Send it again'} open={file !== null} onClose={onClose}>
      <p>
        {inbound
          ? `${file?.name ?? ''} was received before. It is collected once more with the next run, if it still stands at the partner.`
          : `${file?.name ?? ''} went to ${file?.target ?? ''} before. It goes once more with the next run, if it stands in the source then. Everything else stays under the rule for duplicates.`}
      </p>
      <TextField label="Reason" value={reason} autoFocus placeholder="Acme lost it" help="It stands in the audit trail." onChange={(event) => setReason(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || reason.trim().length < 3} onClick={() => void release()}>
          Release
        </Button>
      </DialogActions>
    </Dialog>
  )
}
