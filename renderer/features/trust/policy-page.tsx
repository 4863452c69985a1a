import { useState } from 'react'
import { Link } from 'wouter'
import { DEFAULT_POLICY } from '../../../shared/contract/policy-document.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, TextField } from '../../ui/field.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { PolicyForm } from '../policy/policy-form.tsx'
import { saveFile } from './save-file.ts'
import { TrustTabs } from './tabs.tsx'
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
      about="What is agreed, what was looked at and approved, and what has changed since."
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
      <Everyone />
      <Hardened />
      <Reviews />
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

const SHOWN_AT_FIRST = 20

/** When each partner was reviewed last, the most urgent first. */
function Reviews() {
  const { data, error } = useCall('policy.reviews', (caller) => caller.policy.reviews({}), CHANGED_BY)
  const [all, setAll] = useState(false)
  if (error) return <ErrorPanel error={error} />
  if (data === undefined) return <Skeleton height={120} />
  if (data.reviews.length === 0) return null
  const { reviews } = data
  const overdue = reviews.filter((review) => review.overdue).length
  return (
    <Card title="Reviews" flush actions={<Status tone={overdue === 0 ? 'ok' : 'warn'}>{overdue === 0 ? 'None overdue' : `${overdue} overdue`}</Status>}>
      <Rows
        items={all ? reviews : reviews.slice(0, SHOWN_AT_FIRST)}
        keyOf={({ partner }) => partner}
        last={
          all || reviews.length <= SHOWN_AT_FIRST ? null : (
            <li className={ui['pad']}>
              <Button compact onClick={() => setAll(true)}>
                Show all {reviews.length}
              </Button>
            </li>
          )
        }
      >
        {({ partner, name, at, by, due, overdue: late }) => (
          <Link href={`/partners/${partner}/policy`} className={ui['item']}>
            <span className={`${ui['strong'] ?? ''} ${ui['grow'] ?? ''} ${ui['cut'] ?? ''}`}>{name}</span>
            <span className="quiet small">{at === null ? 'never reviewed' : `reviewed on ${at.slice(0, 10)} by ${by ?? ''}, due on ${due ?? ''}`}</span>
            <Status tone={late ? 'warn' : 'ok'}>{late ? 'Overdue' : 'In order'}</Status>
          </Link>
        )}
      </Rows>
    </Card>
  )
}

/** The policy that holds where a partner's own says nothing. */
function Everyone() {
  const { data, error, reload } = useCall('policy.everyone', (caller) => caller.policy.everyone({}), CHANGED_BY)
  const [open, setOpen] = useState(false)
  if (error) return <ErrorPanel error={error} />
  if (data === undefined) return <Skeleton height={80} />
  const changes = Object.keys(data.document).length
  return (
    <Card
      title="Policy for everyone"
      actions={
        <Button aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Close' : 'Look and change'}
        </Button>
      }
    >
      {open ? (
        <PolicyForm key={JSON.stringify(data.document)} document={data.document} above={DEFAULT_POLICY} aboveName="As Waybill starts with" onSaved={reload} />
      ) : (
        <p className="quiet">{changes === 0 ? 'As Waybill starts with: sound algorithms only, RSA from 2048 bit, TLS 1.2 with forward secrecy, and the protections that each connection asks for.' : 'Changed from what Waybill starts with.'} A partner&rsquo;s page can ask for more.</p>
      )}
    </Card>
  )
}
