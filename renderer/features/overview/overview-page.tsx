import { useLocation } from 'wouter'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Empty, Guard, Page, Skeleton } from '../../ui/page.tsx'
import { DeliveryList } from '../deliveries/delivery-list.tsx'
import { PartnerRow } from '../partners/partner-row.tsx'
import ui from '../../ui/ui.module.css'

const MOST_PARTNERS = 8

/** What needs a person now, then what is going on. */
export function OverviewPage() {
  const [, navigate] = useLocation()
  const attention = useCall('overview.attention', (client) => client.deliveries.list({ state: ['unknown', 'disputed', 'failed', 'held'], limit: 5 }), (client, changed) => client.deliveries.onChanged(changed))
  const recent = useCall('overview.recent', (client) => client.deliveries.list({ limit: 6 }), (client, changed) => client.deliveries.onChanged(changed))
  const counts = useCall('overview.counts', (client) => client.deliveries.counts({}), (client, changed) => client.deliveries.onChanged(changed))
  const partners = useCall('overview.partners', (client) => client.partners.list({ limit: MOST_PARTNERS }), (client, changed) => client.partners.onChanged(changed))
  const error = recent.error ?? partners.error
  const open = attention.data?.total ?? 0
  const about = counts.data === undefined ? ' ' : `${counts.data.deliveredToday} delivered today, ${counts.data.running + counts.data.waiting} under way, ${open === 0 ? 'nothing needs you' : `${open} need a look`}`

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
      {open > 0 ? (
        <Card title="Needs a look" flush>
          <DeliveryList deliveries={attention.data?.deliveries ?? []} none="" />
        </Card>
      ) : null}
      {partners.data === undefined ? <Skeleton height={160} /> : null}
      {partners.data !== undefined && partners.data.partners.length > 0 ? (
        <Card title="Partners: drop files on one to send" flush>
          <ul className={ui['list']}>
            {partners.data.partners.map((partner) => (
              <li key={partner.id}>
                <Guard>
                  <PartnerRow partner={partner} />
                </Guard>
              </li>
            ))}
          </ul>
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
