import { Link } from 'wouter'
import { POLICY_RULES } from '../../../shared/contract/policy.ts'
import type { PolicyRefusal } from '../../../shared/contract/policy-calls.ts'
import type { WaybillClient } from '../../../shared/contract/index.ts'
import { useCall } from '../../lib/use-call.ts'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { ExceptionsCard } from './exceptions-card.tsx'
import { PolicyForm } from './policy-form.tsx'
import { RoleReviewCard } from './role-review.tsx'
import ui from '../../ui/ui.module.css'

const onChanged = (client: WaybillClient, changed: () => void): (() => void) => {
  const leave = [client.policy.onChanged(changed), client.policy.onRefused(changed), client.partners.onChanged(changed), client.trust.onChanged(changed)]
  return () => leave.forEach((one) => one())
}

/** What is agreed with one partner about cryptography: what holds, what differs, what is tolerated, what was refused, who reviewed it. */
export function PartnerPolicyPage({ id }: { readonly id: string }) {
  const shown = useCall(`policy.show ${id}`, async (client) => ({ policy: await client.policy.show({ partner: id }), everyone: await client.policy.everyone({}), detail: await client.partners.show({ id }) }), onChanged)
  if (shown.data === undefined) return <Page title="Policy">{shown.error === undefined ? <Skeleton height={320} /> : <ErrorPanel error={shown.error} />}</Page>
  const { policy, everyone, detail } = shown.data
  return (
    <Page
      title={`Policy for ${detail.summary.name}`}
      about={
        <>
          What is held against everything that is exchanged with <Link href={`/partners/${id}`}>{detail.summary.name}</Link>.
        </>
      }
      actions={policy.hardened ? <Status tone="ok">Hardened mode</Status> : null}
    >
      <Card title="What is agreed">
        <div className={ui['stack']}>
          {policy.connections.map(({ connection, protocol, rules }) => (
            <div key={connection} className={ui['stack']}>
              <h3>
                {connection} <span className="quiet">({protocol})</span>
              </h3>
              {rules.length === 0 ? <p className="quiet">Files go as they are; the connection asks for no protection.</p> : <Facts items={rules.map(({ label, value }) => [label, value])} />}
            </div>
          ))}
        </div>
      </Card>
      <ExceptionsCard detail={{ ...detail, exceptions: detail.exceptions }} />
      <Refusals refusals={policy.refusals} />
      <Card title="What differs for this partner">
        <PolicyForm key={JSON.stringify(policy.document)} partner={id} document={policy.document} above={everyone.effective} aboveName="As for everyone" onSaved={shown.reload} />
      </Card>
      <RoleReviewCard partner={id} />
    </Page>
  )
}

function Refusals({ refusals }: { readonly refusals: readonly PolicyRefusal[] }) {
  if (refusals.length === 0) return null
  return (
    <Card title="What was refused" flush>
      <Rows items={refusals} keyOf={({ connection, direction, rule, seen }) => `${connection} ${direction} ${rule} ${seen}`} look="pad">
        {({ connection, direction, rule, seen, asked, exception, lastAt, times, delivery }) => (
          <>
            <p>
              <span className={ui['strong']}>{rule in POLICY_RULES ? POLICY_RULES[rule as keyof typeof POLICY_RULES] : 'It is too weak'}</span>: it was &ldquo;{seen}&rdquo;
              {asked === '' ? '' : `, the policy wants ${asked}`}.
            </p>
            <p className="quiet small">
              {connection}, {direction === 'inbound' ? 'received' : 'sent'}; {times === 1 ? 'once' : `${times} times`}, last <Time at={lastAt} />.
              {exception === null ? '' : ` An exception "${exception}" would permit it for a while.`} {delivery === null ? null : <Link href={`/deliveries/${delivery}`}>Delivery</Link>}
            </p>
          </>
        )}
      </Rows>
    </Card>
  )
}
