import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { Finding } from '../../../shared/contract/posture.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { SuppressDialog } from './suppress-dialog.tsx'
import { DOMAINS, OPEN_WORDS, pathOf, sentence, SEVERITY, type FindingGroup } from './words.ts'
import css from './posture.module.css'
import ui from '../../ui/ui.module.css'

/** One rule with everything that it found: what, why, what to do, proof. */
/** `unfolded`: shown whole, as on paper, where nobody can open it. */
export function FindingGroupRow({ group, unfolded = false }: { readonly group: FindingGroup; readonly unfolded?: boolean }) {
  const [opened, setOpen] = useState(false)
  const open = opened || unfolded
  const [first] = group.findings
  const { title, rationale, suggestion, sources, domain } = first
  const where = [...new Set(group.findings.map(({ subject }) => subject.label))]
  return (
    <>
      <button type="button" className={css['summary']} aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronRight size={16} aria-hidden className={css['arrow']} />
        <span className={css['severity']}>
          <Status tone={SEVERITY[group.severity].tone}>{SEVERITY[group.severity].word}</Status>
        </span>
        <span className={css['what']}>
          <span>
            <span className={ui['strong']}>{title}</span>
            {group.findings.length > 1 ? <span className="quiet"> · {group.findings.length}</span> : null}
          </span>
          <span className={`quiet small ${ui['cut'] ?? ''}`}>{where.length === 1 ? sentence(first.message) : `${where.slice(0, 3).join(', ')}${where.length > 3 ? ` and ${where.length - 3} more` : ''}`}</span>
        </span>
        {group.findings.some(({ state }) => state === 'reappeared') ? <Status tone="warn">Came back</Status> : null}
        <span className={`quiet small ${css['age'] ?? ''}`}>
          <Time at={group.findings.map(({ firstSeen }) => firstSeen).toSorted()[0] ?? first.firstSeen} />
        </span>
      </button>
      {open ? (
        <div className={css['body']}>
          <dl className={css['reasons']}>
            <dt>What to do</dt>
            <dd>{suggestion}</dd>
            <dt>Why it matters</dt>
            <dd>
              {rationale} <span className="quiet small">{DOMAINS[domain]} · {sources.join(' · ')}</span>
            </dd>
          </dl>
          <ul className={css['places']}>
            {group.findings.map((finding) => (
              <Place key={finding.id} finding={finding} />
            ))}
          </ul>
        </div>
      ) : null}
    </>
  )
}

function Place({ finding }: { readonly finding: Finding }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [asking, setAsking] = useState(false)
  const { open, subject, code, suppression, deliveries } = finding
  return (
    <li className={css['place']}>
      <p>{sentence(finding.message)}</p>
      <Facts
        items={[
          ...finding.evidence.map(({ label, value }) => [label, value] as const),
          ['Deliveries', deliveries.length === 0 ? null : <Proof key="proof" deliveries={deliveries} />],
          ['Seen', <span key="seen">first <Time at={finding.firstSeen} />, last <Time key={finding.lastSeen} at={finding.lastSeen} />{finding.reappeared === 0 ? '' : `, came back ${finding.reappeared === 1 ? 'once' : `${finding.reappeared} times`}`}</span>],
          ['Suppressed', suppression === null ? null : `until ${suppression.until}: ${suppression.reason} (${suppression.owner})`],
        ]}
      />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <div className={ui['row']}>
        {open === null ? null : (
          <Button compact onClick={() => navigate(pathOf(open))}>
            {OPEN_WORDS[open.kind]}
          </Button>
        )}
        {suppression === null ? (
          <Button compact look="plain" onClick={() => setAsking(true)}>
            Suppress for a while
          </Button>
        ) : (
          <Button compact look="plain" disabled={action.busy} onClick={() => void action.run(async () => await client.posture.unsuppress({ code, subject: subject.id }))}>
            End suppression
          </Button>
        )}
      </div>
      <SuppressDialog finding={finding} open={asking} onClose={() => setAsking(false)} />
    </li>
  )
}

function Proof({ deliveries }: { readonly deliveries: readonly string[] }) {
  return (
    <span className={ui['row']}>
      {deliveries.map((id, index) => (
        <Link key={id} href={`/deliveries/${encodeURIComponent(id)}`} title={id}>
          {index === 0 ? 'newest' : `${index + 1}`}
        </Link>
      ))}
    </span>
  )
}
