import { Building2, CalendarClock, FileClock, Home, KeyRound, Send, Settings as SettingsIcon, ShieldCheck, Waypoints } from 'lucide-react'
import { useEffect } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import { AuditPage } from '../features/audit/audit-page.tsx'
import { DeliveriesPage } from '../features/deliveries/deliveries-page.tsx'
import { DeliveryPage } from '../features/deliveries/delivery-page.tsx'
import { ExpectationFormPage } from '../features/expectations/expectation-form-page.tsx'
import { ExpectationPage } from '../features/expectations/expectation-page.tsx'
import { ExpectationsPage } from '../features/expectations/expectations-page.tsx'
import { DuePage } from '../features/flows/due-page.tsx'
import { FlowPage } from '../features/flows/flow-page.tsx'
import { FlowsPage } from '../features/flows/flows-page.tsx'
import { FlowFormPage } from '../features/flows/form/flow-form-page.tsx'
import { FLOW_PLACES } from '../features/flows/tabs.tsx'
import { NotificationsPage } from '../features/notifications/notifications-page.tsx'
import { OverviewPage } from '../features/overview/overview-page.tsx'
import { PartnerFormPage } from '../features/partners/partner-form-page.tsx'
import { PartnerPage } from '../features/partners/partner-page.tsx'
import { PartnersPage } from '../features/partners/partners-page.tsx'
import { PosturePage } from '../features/posture/posture-page.tsx'
import { Queue } from '../features/send/queue.tsx'
import { SendSheet } from '../features/send/send-sheet.tsx'
import { SettingsPage } from '../features/settings/settings-page.tsx'
import { ExpiryPage } from '../features/trust/expiry-page.tsx'
import { TrustItemPage } from '../features/trust/item-page.tsx'
import { PolicyPage } from '../features/trust/policy-page.tsx'
import { PartnerPolicyPage } from '../features/policy/partner-policy-page.tsx'
import { RolloverPage } from '../features/trust/rollover-page.tsx'
import { TrustPage } from '../features/trust/trust-page.tsx'
import { useHost } from '../lib/app-context.ts'
import { useCall } from '../lib/use-call.ts'
import { Empty, Guard } from '../ui/page.tsx'
import { CommandPalette } from './command-palette.tsx'
import css from './app.module.css'

const PLACES = [
  ['/', 'Overview', Home],
  ['/partners', 'Partners', Building2],
  ['/deliveries', 'Deliveries', Send],
  ['/flows', 'Flows', CalendarClock],
  ['/trust', 'Keys & certificates', KeyRound],
  ['/posture', 'Posture', ShieldCheck],
  ['/audit', 'Audit', FileClock],
  ['/settings', 'Settings', SettingsIcon],
] as const

const OPENED = { delivery: '/deliveries/', partner: '/partners/', workspace: '/settings#', trust: '/trust/', flow: '/flows/', expectation: '/expectations/' } as const

export function Shell() {
  const [location, navigate] = useLocation()
  const host = useHost()
  useEffect(() => host.onOpen(({ kind, id }) => navigate(`${OPENED[kind]}${encodeURIComponent(id)}`)), [host, navigate])
  const counts = useCall('deliveries.counts', (client) => client.deliveries.counts({}), (client, changed) => client.deliveries.onChanged(changed))
  const posture = useCall('posture.counts', (client) => client.posture.list({ limit: 1 }), (client, changed) => client.posture.onChanged(changed))
  const flows = useCall('flows.attention', async (client) => (await client.flows.overview({})).pending + (await client.expectations.list({ limit: 1 })).attention, (client, changed) => {
    const leave = [client.flows.onChanged(changed), client.expectations.onChanged(changed)]
    return () => leave.forEach((one) => one())
  })
  const marked: Readonly<Record<string, number>> = { '/deliveries': counts.data?.attention ?? 0, '/posture': posture.data?.counts.error ?? 0, '/flows': flows.data ?? 0 }
  return (
    <div className={css['shell']}>
      <nav className={css['rail']} aria-label="Main">
        <div className={css['brand']}>
          <span>
            <Waypoints size={15} aria-hidden />
          </span>
          Waybill
        </div>
        <div className={css['nav']}>
          {PLACES.map(([path, name, Icon]) => {
            const attention = marked[path] ?? 0
            const current = path === '/' ? location === '/' : (path === '/flows' ? FLOW_PLACES : [path]).some((place) => location.startsWith(place))
            return (
              <Link key={path} href={path} className={css['link']} aria-current={current ? 'page' : undefined}>
                <Icon size={16} aria-hidden />
                {name}
                {attention > 0 ? <span className={css['count']} title={`${attention} need a look`}>{attention}</span> : null}
              </Link>
            )
          })}
        </div>
        <p className={css['hint']}>
          <kbd>Ctrl</kbd> <kbd>K</kbd> finds everything
        </p>
      </nav>
      <main className={css['main']}>
        <Guard key={location}>
          <Switch>
            <Route path="/" component={OverviewPage} />
            <Route path="/partners" component={PartnersPage} />
            <Route path="/partners/new">{() => <PartnerFormPage />}</Route>
            <Route path="/partners/:id">{({ id }) => <PartnerPage id={id} />}</Route>
            <Route path="/partners/:id/policy">{({ id }) => <PartnerPolicyPage key={id} id={id} />}</Route>
            <Route path="/partners/:id/edit">{({ id }) => <PartnerFormPage id={id} />}</Route>
            <Route path="/deliveries" component={DeliveriesPage} />
            <Route path="/deliveries/:id">{({ id }) => <DeliveryPage id={id} />}</Route>
            <Route path="/flows" component={FlowsPage} />
            <Route path="/flows/new">{() => <FlowFormPage />}</Route>
            <Route path="/flows/:id">{({ id }) => <FlowPage id={id} />}</Route>
            <Route path="/flows/:id/edit">{({ id }) => <FlowFormPage id={id} />}</Route>
            <Route path="/due-times" component={DuePage} />
            <Route path="/expectations" component={ExpectationsPage} />
            <Route path="/expectations/new">{() => <ExpectationFormPage />}</Route>
            <Route path="/expectations/:id">{({ id }) => <ExpectationPage id={id} />}</Route>
            <Route path="/expectations/:id/edit">{({ id }) => <ExpectationFormPage id={id} />}</Route>
            <Route path="/notifications" component={NotificationsPage} />
            <Route path="/trust" component={TrustPage} />
            <Route path="/trust/expiry" component={ExpiryPage} />
            <Route path="/trust/rollover" component={RolloverPage} />
            <Route path="/trust/policy" component={PolicyPage} />
            <Route path="/trust/:id">{({ id }) => <TrustItemPage id={id} />}</Route>
            <Route path="/posture" component={PosturePage} />
            <Route path="/audit" component={AuditPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route>
              <Empty title="There is nothing here">The address is none of this window. Choose a place on the left.</Empty>
            </Route>
          </Switch>
        </Guard>
      </main>
      <Queue />
      <SendSheet />
      <CommandPalette />
    </div>
  )
}
