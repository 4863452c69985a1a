import { Link, useLocation } from 'wouter'
import type { ExpectationSummary } from '../../../shared/contract/expectations.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Surroundings } from '../background/background-card.tsx'
import { DeliveryList } from '../deliveries/delivery-list.tsx'
import { PartnerRow } from '../partners/partner-row.tsx'
import { shortText } from '../../lib/format.ts'
import ui from '../../ui/ui.module.css'

const MOST_OPEN = 5
const MOST_PARTNERS = 8
const MOST_NEXT = 3

/** What needs a person now, then what is going on. */
export function OverviewPage() {
  const [, navigate] = useLocation()
  const attention = useCall('overview.attention', (client) => client.deliveries.list({ state: ['unknown', 'disputed', 'failed', 'held'], limit: MOST_OPEN }), (client, changed) => client.deliveries.onChanged(changed))
  const recent = useCall('overview.recent', (client) => client.deliveries.list({ limit: 6 }), (client, changed) => client.deliveries.onChanged(changed))
  const counts = useCall('overview.counts', (client) => client.deliveries.counts({}), (client, changed) => client.deliveries.onChanged(changed))
  const partners = useCall('overview.partners', (client) => client.partners.list({ limit: MOST_PARTNERS }), (client, changed) => client.partners.onChanged(changed))
  const flows = useCall(
    'overview.flows',
    async (client) => ({ ...(await client.flows.overview({})), expected: (await client.expectations.list({ limit: 1000 })).expectations.filter(({ current }) => current?.state === 'missing' || current?.state === 'wrong') }),
    (client, changed) => {
      const leave = [client.flows.onChanged(changed), client.flows.onRan(changed), client.expectations.onChanged(changed)]
      return () => leave.forEach((one) => one())
    },
  )
  const error = recent.error ?? partners.error
  const open = attention.data?.total ?? 0
  const needed = open + (flows.data === undefined ? 0 : flows.data.pending + flows.data.expected.length)
  const about = counts.data === undefined ? ' ' : `${counts.data.deliveredToday} delivered today, ${counts.data.running + counts.data.waiting} under way, ${needed === 0 ? 'nothing needs you' : `${needed} need a look`}`

  return (
    <Page
      title="Overview"
      about={about}
      actions={
        <Button look="primary" onClick={() => navigate('/partners/new')}>
          Add partner
        </Button>
      }
    >
      {error ? <ErrorPanel error={error} /> : null}
      <Surroundings />
      {open > 0 ? (
        <Card title="Needs a look" flush actions={open > MOST_OPEN ? <Link href="/deliveries?show=attention">All {open}</Link> : null}>
          <DeliveryList deliveries={attention.data?.deliveries ?? []} none="" />
        </Card>
      ) : null}
      {flows.data === undefined ? null : <FlowsCard flows={flows.data} />}
      {partners.data === undefined ? <Skeleton height={160} /> : null}
      {partners.data !== undefined && partners.data.partners.length > 0 ? (
        <Card title="Partners: drop files on one to send" flush>
          <Rows items={partners.data.partners} keyOf={({ id }) => id}>
            {(partner) => <PartnerRow partner={partner} />}
          </Rows>
        </Card>
      ) : null}
      {partners.data?.partners.length === 0 ? <Start /> : null}
      {recent.data !== undefined && recent.data.deliveries.length > 0 ? (
        <Card title="Recent deliveries" flush>
          <DeliveryList deliveries={recent.data.deliveries} none="" />
        </Card>
      ) : null}
    </Page>
  )
}

/** What flows ask for, what did not come, and what runs next; nothing while there is none of it. */
function FlowsCard({ flows: { pending, paused, running, next, expected } }: { readonly flows: { readonly pending: number; readonly paused: { readonly until: string | null } | null; readonly running: readonly string[]; readonly next: readonly { readonly flow: string; readonly name: string; readonly at: string }[]; readonly expected: readonly ExpectationSummary[] } }) {
  if (pending + next.length + running.length + expected.length === 0 && paused === null) return null
  return (
    <Card title="Flows" actions={<Link href="/flows">All flows</Link>} flush>
      <ul className={ui['list']}>
        {paused === null ? null : (
          <li className={ui['item']}>
            <Status tone="warn">All paused</Status>
            <span className={ui['grow']}>Nothing starts by itself{paused.until === null ? '' : ` until ${shortText(paused.until)}`}.</span>
          </li>
        )}
        {expected.map(({ id, name, current }) => (
          <li key={id}>
            <Link href={`/expectations/${encodeURIComponent(id)}`} className={ui['item']}>
              <Status tone="bad">{current?.state === 'wrong' ? 'Not as agreed' : 'Missing'}</Status>
              <span className={ui['grow']}>{name}</span>
              <span className="quiet small">due {shortText(current?.due ?? '')}</span>
            </Link>
          </li>
        ))}
        {pending === 0 ? null : (
          <li>
            <Link href="/due-times" className={ui['item']}>
              <Status tone="warn">Asks you</Status>
              <span className={ui['grow']}>{pending === 1 ? 'A scheduled run was missed. Shall it run now?' : `${pending} scheduled runs were missed. Shall they run now?`}</span>
            </Link>
          </li>
        )}
        {paused === null
          ? next.slice(0, MOST_NEXT).map(({ flow, name, at }) => (
              <li key={flow}>
                <Link href={`/flows/${encodeURIComponent(flow)}`} className={ui['item']}>
                  <span className={ui['grow']}>{name}</span>
                  {running.includes(flow) ? <Status tone="run">Running</Status> : <span className="quiet small">{shortText(at)}</span>}
                </Link>
              </li>
            ))
          : null}
      </ul>
    </Card>
  )
}

function Start() {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const practise = async (): Promise<void> => {
    if ((await action.run(async () => await client.practice.start({}))) !== undefined) navigate('/partners/practice')
  }
  return (
    <Card>
      <Empty
        title="Send your first file"
        action={
          <div className={ui['row']}>
            <Button look="primary" disabled={action.busy} onClick={() => void practise()}>
              Try the practice partner
            </Button>
            <Button onClick={() => navigate('/partners/new')}>Add a partner</Button>
          </div>
        }
      >
        The practice partner is a real server on this computer. Drop a file on it, watch it arrive, and look at its trace.
      </Empty>
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </Card>
  )
}
