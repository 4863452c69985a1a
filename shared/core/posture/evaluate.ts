/** Rules over facts: what is found, complete with texts. Pure. */
import { createHash } from 'node:crypto'
import type { Finding, Subject } from '../../contract/posture.ts'
import { viewsOf, type PostureFacts } from './facts.ts'
import type { Hit, Rule } from './rule.ts'

/** What an evaluation says of a finding; when it was seen, and its state, are the store's. */
export type Found = Omit<Finding, 'firstSeen' | 'lastSeen' | 'resolvedAt' | 'reappeared' | 'state' | 'suppression'>

const MOST_DELIVERIES = 5
const PLATFORM: Subject = { kind: 'platform', id: 'platform', label: 'This installation' }

/** With a partner: only what partners' and connections' rules say of that one. */
export function evaluate(rules: readonly Rule[], facts: PostureFacts, only?: string): Found[] {
  const partners = only === undefined ? facts.partners : facts.partners.filter(({ document }) => document.id === only)
  const views = viewsOf(only === undefined ? facts : { ...facts, partners })
  const found = new Map<string, Found>()
  for (const rule of rules) for (const one of applied(rule, facts, partners, views, only !== undefined)) found.set(one.id, one)
  return [...found.values()]
}

function applied(rule: Rule, facts: PostureFacts, partners: PostureFacts['partners'], views: ReturnType<typeof viewsOf>, isPartial: boolean): Found[] {
  switch (rule.scope) {
    case 'connection':
      return views.flatMap((view) => {
        const partner = view.partner.document.id
        const subject: Subject = { kind: 'connection', id: view.id, label: view.name }
        return rule.find(view).map((hit) => foundOf(rule, hit, { subject, partner, connection: view.connection.id, open: { kind: 'partner', id: partner } }))
      })
    case 'partner':
      return partners.flatMap((partner) => {
        const { id, name } = partner.document
        return rule.find(partner, facts).map((hit) => foundOf(rule, hit, { subject: { kind: 'partner', id, label: name }, partner: id, connection: null, open: { kind: 'partner', id } }))
      })
    default:
      return isPartial ? [] : rule.find(facts).map((hit) => foundOf(rule, hit, { subject: PLATFORM, partner: null, connection: null, open: null }))
  }
}

function foundOf(rule: Rule, hit: Hit, fallback: Pick<Finding, 'subject' | 'partner' | 'connection' | 'open'>): Found {
  const subject = hit.subject ?? fallback.subject
  const { code, domain, scope, title, rationale, sources } = rule
  return {
    id: idOf(code, subject, hit.detail ?? ''),
    code, domain, scope, title, rationale,
    sources: [...sources],
    severity: hit.severity ?? rule.severity,
    message: hit.message,
    suggestion: hit.suggestion ?? rule.suggestion,
    subject,
    partner: hit.partner === undefined ? fallback.partner : hit.partner,
    connection: hit.connection === undefined ? fallback.connection : hit.connection,
    evidence: [...(hit.evidence ?? [])],
    deliveries: (hit.deliveries ?? []).slice(0, MOST_DELIVERIES),
    open: hit.open ?? fallback.open,
  }
}

/** Stable over evaluations and restarts: a finding that comes back is the same finding. */
function idOf(code: string, { kind, id }: Subject, detail: string): string {
  return `fnd_${createHash('sha256').update(JSON.stringify([code, kind, id, detail])).digest('hex').slice(0, 24)}`
}
