import { useState } from 'react'
import { Link } from 'wouter'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { CalendarDialog } from './calendar-dialog.tsx'
import { TrustTabs } from './tabs.tsx'
import { FlowLine } from './what-if-card.tsx'
import { daysText, EXPIRY_TONE, ROLES } from './words.ts'
import ui from '../../ui/ui.module.css'

const DAY_MS = 86_400_000
/** The most urgent come first. */
const SHOWN_AT_FIRST = 100

/** Ends of what is in use, and what a day in the future will look like if nobody acts. */
export function ExpiryPage() {
  const [all, setAll] = useState(false)
  const { data, error } = useCall('trust.expiry', (caller) => caller.trust.expiry({ limit: 500 }), (caller, changed) => caller.trust.onChanged(changed))
  const [calendar, setCalendar] = useState(false)
  return (
    <Page title="Keys & certificates" about="Only what is in use; subkeys and the certificates above are counted in." actions={<Button onClick={() => setCalendar(true)}>Calendar</Button>}>
      <TrustTabs />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data?.entries.length === 0 ? <Empty title="Nothing that is in use ends">Certificates and keys with an end appear here as soon as they are used for something.</Empty> : null}
      {data !== undefined && data.entries.length > 0 ? (
        <>
          <Outlook />
          <Card title="What ends when" flush>
            <Rows
              items={all ? data.entries : data.entries.slice(0, SHOWN_AT_FIRST)}
              keyOf={({ item, part, name }) => `${item} ${part} ${name}`}
              last={
                all || data.entries.length <= SHOWN_AT_FIRST ? null : (
                  <li className={ui['pad']}>
                    <Button compact onClick={() => setAll(true)}>
                      Show {data.entries.length} of {data.total}
                    </Button>
                  </li>
                )
              }
            >
              {({ item, label, part, name, endsAt, daysLeft, state, uses }) => (
                <Link href={`/trust/${item}`} className={ui['item']}>
                  <span className={ui['grow']}>
                    <span className={ui['strong']}>{label}</span>
                    {part === 'own' ? null : <span className="quiet"> · {part === 'chain' ? 'certificate above it' : 'subkey'}: {name}</span>}
                    <br />
                    <span className="quiet small">{[...new Set(uses.map(({ partner, role }) => `${partner ?? 'our station'}: ${ROLES[role].toLowerCase()}`))].slice(0, 3).join(' · ')}</span>
                  </span>
                  <span className="quiet small">
                    {endsAt.slice(0, 10)}, {daysText(daysLeft)}
                  </span>
                  <Status tone={EXPIRY_TONE[state].tone}>{EXPIRY_TONE[state].word}</Status>
                </Link>
              )}
            </Rows>
          </Card>
        </>
      ) : null}
      <CalendarDialog open={calendar} onClose={() => setCalendar(false)} />
    </Page>
  )
}

/** A slider over two years: what will have stopped by that day. */
function Outlook() {
  const [now] = useState(() => Date.now())
  const [days, setDays] = useState(90)
  const at = new Date(now + days * DAY_MS).toISOString()
  const { data } = useCall(`trust.outlook ${days}`, (caller) => caller.trust.outlook({ at }), (caller, changed) => caller.trust.onChanged(changed))
  const broken = data?.consequences.filter(({ severity }) => severity === 'breaks') ?? []
  const partners = [...new Set(broken.map(({ partner }) => partner))]
  return (
    <Card title="If nobody acts">
      <div className={ui['stack']}>
        <label className={ui['stack']}>
          <span>
            On <strong>{at.slice(0, 10)}</strong>, {daysText(days)}:{' '}
            {data === undefined ? '…' : partners.length === 0 ? 'everything still works.' : `${partners.length} ${partners.length === 1 ? 'partner' : 'partners'} affected (${partners.slice(0, 6).join(', ')}${partners.length > 6 ? ', …' : ''}).`}
          </span>
          <input type="range" aria-label="Days from today" min={0} max={730} step={5} value={days} onChange={(event) => setDays(Number(event.target.value))} />
        </label>
        {broken.length > 0 ? (
          <ul className={ui['stack']}>
            {broken.slice(0, 8).map(({ item, label, partner, connection, role, message }) => (
              <li key={`${item} ${partner} ${connection} ${role}`} className="small">
                <span className={ui['strong']}>{label}</span> · {partner} / {connection}: {message}
              </li>
            ))}
            {data?.flows.slice(0, 8).map((flow) => (
              <FlowLine key={`${flow.flow} ${flow.partner} ${flow.connection}`} flow={flow} />
            ))}
            {broken.length > 8 ? <li className="quiet small">and {broken.length - 8} more</li> : null}
          </ul>
        ) : null}
      </div>
    </Card>
  )
}
