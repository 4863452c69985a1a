import { useState } from 'react'
import type { WaybillClient } from '../../../shared/contract/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { ROLES } from '../trust/words.ts'
import ui from '../../ui/ui.module.css'

const CHANGED_BY = (client: WaybillClient, changed: () => void): (() => void) => {
  const leave = [client.trust.onChanged(changed), client.partners.onChanged(changed), client.station.onChanged(changed), client.policy.onChanged(changed), client.deliveries.onChanged(changed)]
  return () => leave.forEach((one) => one())
}

/** For each role: what is asked, what is bound, what traffic showed; and who looked at it when. */
export function RoleReviewCard({ partner }: { readonly partner: string }) {
  return (
    <Card title="Review of the roles">
      <div className={ui['stack']}>
        <Roles partner={partner} />
      </div>
    </Card>
  )
}

function Roles({ partner }: { readonly partner: string }) {
  const { client } = useHost()
  const action = useAction()
  const { data, error, reload } = useCall(`policy.review ${partner}`, (caller) => caller.policy.review({ partner }), CHANGED_BY)
  const [by, setBy] = useState('')
  const [note, setNote] = useState('')
  const [due, setDue] = useState('')
  const reviewed = async (): Promise<void> => {
    if ((await action.run(async () => await client.policy.recordReview({ partner, by, ...(note.trim() === '' ? {} : { note }), ...(due === '' ? {} : { due }) }))) !== undefined) reload()
  }
  if (data === undefined) return error ? <ErrorPanel error={error} /> : <Skeleton height={120} />
  return (
    <>
      {data.roles.map(({ connection, role, asked, bound, seen, verdict }) => (
        <div key={`${connection} ${role}`} className={ui['stack']}>
          <div className={ui['row']}>
            <span className={`${ui['strong'] ?? ''} ${ui['grow'] ?? ''}`}>
              {connection}: {ROLES[role]}
            </span>
            <Status tone={verdict === 'ok' ? 'ok' : verdict === 'missing' ? 'bad' : 'warn'}>{verdict === 'ok' ? 'In order' : verdict === 'missing' ? 'Missing' : 'Have a look'}</Status>
          </div>
          <Facts
            items={[
              ['Asked', asked],
              ['In use', bound.length === 0 ? 'nothing' : bound.map(({ label, via, problems }) => `${label}${via === 'station' ? ' (our station)' : ''}${problems.map(({ message }) => `; ${message}`).join('')}`).join(', ')],
              ['Seen in traffic', seen.map(({ label, value }) => `${label} ${value}`).join(', ')],
            ]}
          />
        </div>
      ))}
      <p className="quiet small">
        {data.last === null ? 'Never reviewed.' : `Reviewed on ${data.last.at.slice(0, 10)} by ${data.last.by}${data.last.note === null ? '' : ` (${data.last.note})`}; next due ${data.last.due}${data.overdue ? ', overdue' : ''}.`}
      </p>
      <div className={`${ui['row'] ?? ''} ${ui['ends'] ?? ''}`}>
        <div className={ui['grow']}>
          <TextField label="Reviewed by" value={by} onChange={(event) => setBy(event.target.value)} />
        </div>
        <div className={ui['grow']}>
          <TextField label="Note" value={note} onChange={(event) => setNote(event.target.value)} />
        </div>
        <TextField label="Due again (left out: in a year)" type="date" value={due} onChange={(event) => setDue(event.target.value)} />
        <Button disabled={action.busy || by.trim() === ''} onClick={() => void reviewed()}>
          Note the review
        </Button>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </>
  )
}
