import { useState } from 'react'
import { Link } from 'wouter'
import type { PartnerDetail } from '../../../shared/contract/partners.ts'
import { TOLERATED, type ExceptionState, type Toleration } from '../../../shared/contract/policy.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Card } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import css from './policy.module.css'
import ui from '../../ui/ui.module.css'

/** What is tolerated for this partner, counting down, with what relied on it. */
export function ExceptionsCard({ detail }: { readonly detail: PartnerDetail }) {
  const [adding, setAdding] = useState(false)
  const { exceptions } = detail
  return (
    <Card title="Exceptions" actions={<Button onClick={() => setAdding(true)}>Add exception…</Button>}>
      {exceptions.length === 0 ? (
        <p className="quiet">None: everything that the policy refuses is refused.</p>
      ) : (
        <ul className={ui['stack']}>
          {exceptions.map((exception) => (
            <li key={`${exception.allow} ${exception.connection ?? ''} ${exception.until}`}>
              <Row partner={detail.summary.id} exception={exception} />
            </li>
          ))}
        </ul>
      )}
      {adding ? <AddDialog detail={detail} onClose={() => setAdding(false)} /> : null}
    </Card>
  )
}

function Row({ partner, exception }: { readonly partner: string; readonly exception: ExceptionState }) {
  const { client } = useHost()
  const action = useAction()
  const [ending, setEnding] = useState(false)
  const { allow, connection, active, daysLeft, reason, owner, until, used } = exception
  const end = async (): Promise<void> => {
    setEnding(false)
    await action.run(async () => await client.policy.endException({ partner, allow, ...(connection === undefined ? {} : { connection }) }))
  }
  return (
    <>
      <div className={css['exception']}>
        <Status tone={active ? (daysLeft <= 7 ? 'bad' : 'warn') : 'wait'}>{active ? (daysLeft === 1 ? 'Last day' : `${daysLeft} days left`) : 'Ended'}</Status>
        <div className={ui['grow']}>
          <p>
            {TOLERATED[allow]}
            {connection === undefined ? '' : `, on ${connection} only`}.
          </p>
          <p className="quiet small">
            {reason}. {owner} answers for it, until {until} (UTC).
            {used === null || used.deliveries === 0 ? ' Nothing has relied on it.' : null}
            {used !== null && used.deliveries > 0 ? (
              <>
                {' '}
                {used.deliveries} {used.deliveries === 1 ? 'delivery' : 'deliveries'} relied on it, <Link href={`/deliveries/${used.lastDelivery ?? ''}`}>the last on {used.lastAt?.slice(0, 10)}</Link>.
              </>
            ) : null}
          </p>
        </div>
        <Button compact disabled={action.busy} onClick={() => setEnding(true)}>
          {active ? 'End now…' : 'Remove…'}
        </Button>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <ConfirmDialog title={active ? 'End this exception?' : 'Remove this exception?'} open={ending} action={active ? 'End exception' : 'Remove'} onClose={() => setEnding(false)} onConfirm={() => void end()}>
        <p>{active ? 'From then on it is refused again, also for what waits to be sent.' : 'It holds no more. What relied on it stays in the records.'}</p>
      </ConfirmDialog>
    </>
  )
}

const DAY_MS = 86_400_000
const dayAfter = (now: number, days: number): string => new Date(now + days * DAY_MS).toISOString().slice(0, 10)

function AddDialog({ detail, onClose }: { readonly detail: PartnerDetail; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [now] = useState(() => Date.now())
  const [allow, setAllow] = useState<Toleration | ''>('')
  const [connection, setConnection] = useState('')
  const [reason, setReason] = useState('')
  const [owner, setOwner] = useState('')
  const [until, setUntil] = useState(() => dayAfter(now, 30))
  const add = async (): Promise<void> => {
    if (allow === '') return
    const exception = { allow, reason, owner, until, ...(connection === '' ? {} : { connection }) }
    if ((await action.run(async () => await client.policy.addException({ partner: detail.summary.id, exception }))) !== undefined) onClose()
  }
  return (
    <Dialog title={`Tolerate a weakness of ${detail.summary.name}`} open onClose={onClose} wide>
      <p className="quiet">It holds up to the end of its last day, is named in every delivery that relies on it, and is refused again afterwards.</p>
      <SelectField label="What is tolerated" value={allow} onChange={(event) => setAllow(event.target.value as Toleration | '')} options={[['', 'Choose…'], ...Object.entries(TOLERATED).map(([name, text]) => [name, `${text} (${name})`] as const)]} />
      <SelectField label="Where" value={connection} onChange={(event) => setConnection(event.target.value)} options={[['', 'On every connection'], ...detail.document.connections.map(({ id, label }) => [id, label ?? id] as const)]} />
      <TextField label="Reason" value={reason} onChange={(event) => setReason(event.target.value)} help="At least five letters; it stands in the records." />
      <div className={ui['split']}>
        <TextField label="Who answers for it" value={owner} onChange={(event) => setOwner(event.target.value)} />
        <TextField label="Last day" type="date" value={until} min={dayAfter(now, 0)} onChange={(event) => setUntil(event.target.value)} />
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || allow === '' || reason.trim().length < 5 || owner.trim() === '' || until === ''} onClick={() => void add()}>
          Add exception
        </Button>
      </DialogActions>
    </Dialog>
  )
}
