import { useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'

/** Records the operator's word on an outcome that nobody can look up. */
export function ResolveDialog({ id, open, onClose }: { readonly id: string; readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [outcome, setOutcome] = useState<'delivered' | 'not-delivered'>('delivered')
  const [reason, setReason] = useState('')
  const resolve = async (): Promise<void> => {
    if ((await action.run(async () => await client.deliveries.resolve({ id, outcome, reason }))) !== undefined) onClose()
  }
  return (
    <Dialog title="What did the partner say?" open={open} onClose={onClose}>
      <p className="quiet">Ask the partner whether the file arrived. Your answer and the reason are kept in the records.</p>
      <SelectField label="Outcome" value={outcome} onChange={(event) => setOutcome(event.target.value as typeof outcome)} options={[['delivered', 'It arrived'], ['not-delivered', 'It did not arrive']]} />
      <TextField label="How is it known?" value={reason} onChange={(event) => setReason(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || reason.trim().length < 3} onClick={() => void resolve()}>
          Record
        </Button>
      </DialogActions>
    </Dialog>
  )
}
