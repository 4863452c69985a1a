import { useState } from 'react'
import type { Finding } from '../../../shared/contract/posture.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { toast } from '../../ui/toasts.tsx'
import { dayAfter } from './words.ts'

const USUAL_DAYS = 30

/** Tolerates a finding: never without a reason, an owner and a last day. */
export function SuppressDialog({ finding, open, onClose }: { readonly finding: Finding; readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [now] = useState(() => Date.now())
  const [reason, setReason] = useState('')
  const [owner, setOwner] = useState('')
  const [until, setUntil] = useState(() => dayAfter(now, USUAL_DAYS))
  const { code, subject, title } = finding
  const suppress = async (): Promise<void> => {
    if ((await action.run(async () => await client.posture.suppress({ code, subject: subject.id, reason, owner, until }))) === undefined) return
    toast('ok', 'Suppressed', `${title}: until ${until}.`)
    onClose()
  }
  return (
    <Dialog title="Suppress for a while" open={open} onClose={onClose}>
      <p className="quiet">
        {title}, {subject.label}. It is neither counted nor announced until the last day; then it is open again. What Waybill refuses stays refused.
      </p>
      <TextField label="Why is it tolerable?" value={reason} autoFocus onChange={(event) => setReason(event.target.value)} />
      <TextField label="Who answers for it?" value={owner} onChange={(event) => setOwner(event.target.value)} />
      <TextField label="Last day" type="date" value={until} min={dayAfter(now, 0)} max={dayAfter(now, 365)} onChange={(event) => setUntil(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || reason.trim().length < 5 || owner.trim() === '' || until === ''} onClick={() => void suppress()}>
          Suppress
        </Button>
      </DialogActions>
    </Dialog>
  )
}
