import { useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { saveFile } from './save-file.ts'
import { TrustTabs } from './tabs.tsx'
import { ROLES } from './words.ts'
import ui from '../../ui/ui.module.css'

const CHANGED_BY = (client: Parameters<Parameters<typeof useCall>[1]>[0], changed: () => void): (() => void) => {
  const leave = [client.trust.onChanged(changed), client.partners.onChanged(changed), client.station.onChanged(changed), client.policy.onChanged(changed)]
  return () => leave.forEach((one) => one())
}

/** All trust and policy as text: what was approved, what has changed since, and the review of each partner. */
export function PolicyPage() {
  const { client } = useHost()
  const action = useAction()
  const diff = useCall('policy.diff', (caller) => caller.policy.diff({}), CHANGED_BY)
  const lock = useCall('policy.lock', (caller) => caller.policy.lock({}), CHANGED_BY)
  const [by, setBy] = useState('')
  const [reason, setReason] = useState('')
  const { data, error } = diff
  const approve = async (): Promise<void> => {
    const sha256 = lock.data?.sha256
    if ((await action.run(async () => await client.policy.approve({ by, reason, ...(sha256 === undefined ? {} : { sha256 }) }))) === undefined) return
    setReason('')
    diff.reload()
  }
  return (
    <Page
      title="Keys & certificates"
      about="What was looked at and approved, and what has changed since."
      actions={<Button disabled={lock.data === undefined} onClick={() => (lock.data === undefined ? undefined : saveFile({ fileName: 'trust.lock', text: lock.data.text, encoding: 'text' }))}>Save as text</Button>}
    >
      <TrustTabs />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data === undefined ? null : (
        <Card title="Approval" actions={data.changed ? <Status tone="warn">Changed since</Status> : <Status tone="ok">As approved</Status>}>
          <div className={ui['stack']}>
            <p>
              {data.approved === null ? 'Nothing was approved yet.' : `Approved on ${absoluteText(data.approved.at)} by ${data.approved.by}: ${data.approved.reason}`}
              {data.approved !== null && !data.signatureValid ? <strong> Its signature does not verify.</strong> : null}
            </p>
            {data.lines.length === 0 ? null : (
              <pre className={ui['diff']} tabIndex={0} aria-label="Changes since the approval">
                {data.lines.slice(0, 400).map(({ change, text }) => (
                  <span key={`${change} ${text}`} data-change={change}>
                    {change === 'added' ? '+ ' : '− '}
                    {text}
                    {'\n'}
                  </span>
                ))}
                {data.lines.length > 400 ? `… and ${data.lines.length - 400} more` : ''}
              </pre>
            )}
            {data.changed ? (
              <>
                <div className={ui['split']}>
                  <TextField label="Who approves" value={by} onChange={(event) => setBy(event.target.value)} />
                  <TextField label="Reason" value={reason} onChange={(event) => setReason(event.target.value)} />
                </div>
                {action.error ? <ErrorPanel error={action.error} /> : null}
                <div>
                  <Button look="primary" disabled={action.busy || by.trim() === '' || reason.trim().length < 5} onClick={() => void approve()}>
                    Approve as it is now
                  </Button>
                </div>
              </>
            ) : null}
          </div>
        </Card>
      )}
      <Hardened />
      <PartnerReview />
    </Page>
  )
}

function Hardened() {
  const { client } = useHost()
  const action = useAction()
  const state = useCall('policy.hardened', async (caller) => await caller.policy.state({}), CHANGED_BY)
  return (
    <Card title="Hardened mode">
      <Check
        label="Exchange nothing with a partner whose trust or policy was changed without approval"
        checked={state.data?.hardened ?? false}
        disabled={action.busy || state.data === undefined}
        onChange={(event) => void action.run(async () => await client.policy.setHardened({ on: event.target.checked }))}
      />
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </Card>
  )
}

function PartnerReview() {
  const partners = useCall('partners.list review', (client) => client.partners.list({ limit: 1000 }), (client, changed) => client.partners.onChanged(changed))
  const [chosen, setChosen] = useState('')
  const list = partners.data?.partners ?? []
  const partner = chosen === '' ? list[0]?.id : chosen
  if (list.length === 0 || partner === undefined) return null
  return (
    <Card title="Review of a partner">
      <div className={ui['stack']}>
        <SelectField label="Partner" value={partner} onChange={(event) => setChosen(event.target.value)} options={list.map(({ id, name }) => [id, name])} />
        <Roles key={partner} partner={partner} />
      </div>
    </Card>
  )
}

function Roles({ partner }: { readonly partner: string }) {
  const { client } = useHost()
  const action = useAction()
  const { data, error, reload } = useCall(`policy.review ${partner}`, (caller) => caller.policy.review({ partner }), CHANGED_BY)
  const [by, setBy] = useState('')
  const reviewed = async (): Promise<void> => {
    if ((await action.run(async () => await client.policy.recordReview({ partner, by }))) !== undefined) reload()
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
        {data.last === null ? 'Never reviewed.' : `Reviewed on ${data.last.at.slice(0, 10)} by ${data.last.by}; next due ${data.last.due}${data.overdue ? ', overdue' : ''}.`}
      </p>
      <div className={`${ui['row'] ?? ''} ${ui['ends'] ?? ''}`}>
        <div className={ui['grow']}>
          <TextField label="Reviewed by" value={by} onChange={(event) => setBy(event.target.value)} />
        </div>
        <Button disabled={action.busy || by.trim() === ''} onClick={() => void reviewed()}>
          Note the review
        </Button>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </>
  )
}
