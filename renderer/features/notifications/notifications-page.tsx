import { useState } from 'react'
import { Link } from 'wouter'
import type { OutboxEntry, Channel } from '../../../shared/contract/notifications.ts'
import { textOf, type WireError } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { FlowTabs } from '../flows/tabs.tsx'
import { SettingsForm } from './settings-form.tsx'
import { CHANNEL_NAMES, outboxWords, placeOf } from './words.ts'
import ui from '../../ui/ui.module.css'

const SHOWN = 30

/** Who hears of what, by which way, and what became of each message. */
export function NotificationsPage() {
  const settings = useCall('notifications.settings', (client) => client.notifications.settings({}))
  const { data } = settings
  return (
    <Page title="Notifications" about="Who hears of what, and by which way. Messages name no files: they may stand on a lock screen.">
      <FlowTabs />
      {settings.error ? <ErrorPanel error={settings.error} /> : null}
      {data === undefined ? <Skeleton height={420} /> : <SettingsForm settings={data} onSaved={settings.reload} />}
      {data === undefined ? null : <Tests email={data.email !== undefined} webhook={data.webhook !== undefined} />}
      <OutboxCard />
      <Raised />
    </Page>
  )
}

interface Tested {
  readonly ok: boolean
  readonly answer: string
  readonly error: WireError | null
}

/** A message now through each channel that is set up. */
function Tests({ email, webhook }: { readonly email: boolean; readonly webhook: boolean }) {
  return (
    <Card title="Try it">
      <div className={ui['stack']}>
        <p className="quiet">Sends a message at once, past quiet hours and outbox, and shows what the server answered.</p>
        <Test channel="native" />
        {email ? <Test channel="email" /> : null}
        {webhook ? <Test channel="webhook" /> : null}
      </div>
    </Card>
  )
}

const TESTED: Readonly<Record<Channel, string>> = { native: 'desktop', email: 'e-mail', webhook: 'webhook' }

function Test({ channel }: { readonly channel: Channel }) {
  const { client } = useHost()
  const action = useAction()
  const [tested, setTested] = useState<Tested | null>(null)
  return (
    <div className={ui['stack']}>
      <div className={ui['row']} role="status">
        <Button disabled={action.busy} onClick={() => void action.run(async () => setTested(await client.notifications.test({ channel })))}>
          {action.busy ? 'Sending…' : `Test ${TESTED[channel]}`}
        </Button>
        {tested === null || channel === 'native' ? null : tested.ok ? <Status tone="ok">It works</Status> : <Status tone="bad">It does not work</Status>}
        {tested?.ok === true ? <span className="quiet">{channel === 'native' ? `It was ${tested.answer}.` : `The server answered: ${tested.answer}`}</span> : null}
      </div>
      {tested?.error ? <ErrorPanel error={tested.error} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </div>
  )
}

function OutboxCard() {
  const { data, error } = useCall(
    'notifications.outbox',
    (client) => client.notifications.outbox({ limit: SHOWN }),
    (client, changed) => {
      const leave = [client.notifications.onChanged(changed), client.notifications.onRaised(changed)]
      return () => leave.forEach((one) => one())
    },
  )
  return (
    <Card title="Outbox" flush>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={120} /> : null}
      {data?.entries.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>Nothing was sent by e-mail or webhook yet. What a channel does not take is kept here and tried again for three days.</p> : null}
      <Rows items={data?.entries ?? []} keyOf={({ id }) => id}>
        {(entry) => <Entry entry={entry} />}
      </Rows>
    </Card>
  )
}

function Entry({ entry }: { readonly entry: OutboxEntry }) {
  const { tone, word, more } = outboxWords(entry)
  return (
    <div className={ui['item']}>
      <span className={ui['grow']}>
        <span className={ui['strong']}>{entry.title}</span> <span className="quiet">{CHANNEL_NAMES[entry.channel]}</span>
        <br />
        <span className="quiet small">
          {entry.body} {entry.error === null || entry.state === 'sent' ? '' : `${textOf(entry.error).title}: ${entry.error.message}`}
        </span>
      </span>
      <span className="quiet small">{more}</span>
      <Status tone={tone}>{word}</Status>
      <span className="quiet small">
        <Time at={entry.createdAt} />
      </span>
    </div>
  )
}

/** Everything that was raised, whether or not a channel tells it. */
function Raised() {
  const { data } = useCall('notifications.notices', (client) => client.notifications.notices({ limit: SHOWN }), (client, changed) => client.notifications.onRaised(changed))
  if (data === undefined) return <Skeleton height={120} />
  return (
    <Card title="What happened" flush>
      {data.notices.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>Nothing yet.</p> : null}
      <Rows items={data.notices} keyOf={({ id }) => id} look="item">
        {({ at, severity, title, body, subject }) => {
          const place = placeOf(subject)
          return (
            <>
              <Status tone={severity === 'attention' ? 'warn' : 'ok'}>{severity === 'attention' ? 'Look at it' : 'Good news'}</Status>
              <span className={ui['grow']}>
                <span className={ui['strong']}>{title}</span>
                <br />
                <span className="quiet small">{body}</span>
              </span>
              {place === null ? null : <Link href={place}>Open</Link>}
              <span className="quiet small">
                <Time at={at} />
              </span>
            </>
          )
        }}
      </Rows>
    </Card>
  )
}
