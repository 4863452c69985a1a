import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { useAction } from '../../lib/use-call.ts'

const HOUR_MS = 3_600_000

const SPANS = [
  ['', 'until somebody resumes it'],
  ['1', 'for an hour'],
  ['4', 'for four hours'],
  ['24', 'for a day'],
  ['168', 'for a week'],
  ['at', 'until a time…'],
] as const

/** Pauses one flow or all of them, with an end and a reason if wanted. */
export function PauseDialog({ what, open, onClose, onPause }: { readonly what: string; readonly open: boolean; readonly onClose: () => void; readonly onPause: (pause: { until?: string; reason?: string }) => Promise<unknown> }) {
  const action = useAction()
  const [span, setSpan] = useState<string>('')
  const [at, setAt] = useState('')
  const [reason, setReason] = useState('')
  const until = (): string | undefined => {
    if (span === '') return undefined
    return new Date(span === 'at' ? at : Date.now() + Number(span) * HOUR_MS).toISOString()
  }
  const pause = async (): Promise<void> => {
    const end = until()
    const done = await action.run(async () => await onPause({ ...(end === undefined ? {} : { until: end }), ...(reason.trim() === '' ? {} : { reason: reason.trim() }) }))
    if (done !== undefined) onClose()
  }
  return (
    <Dialog title={`Pause ${what}`} open={open} onClose={onClose}>
      <p className="quiet">Nothing starts by itself meanwhile; what is under way ends. Due times get a row that says “Paused”. Running by hand stays possible.</p>
      <SelectField label="How long" value={span} onChange={(event) => setSpan(event.target.value)} options={SPANS} />
      {span === 'at' ? <TextField label="Until" type="datetime-local" value={at} onChange={(event) => setAt(event.target.value)} /> : null}
      <TextField label="Reason" value={reason} placeholder="Acme moves its server" help="It stands in the audit trail." onChange={(event) => setReason(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || (span === 'at' && at === '') || (reason.trim() !== '' && reason.trim().length < 3)} onClick={() => void pause()}>
          Pause
        </Button>
      </DialogActions>
    </Dialog>
  )
}
