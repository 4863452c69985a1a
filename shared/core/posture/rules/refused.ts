/** What the policy refused, as long as nothing has gone well on that connection since. */
import { POLICY_RULES, TOLERATED } from '../../../contract/policy.ts'
import { dayOf, daysBetween } from '../days.ts'
import type { Refusal } from '../../policy/facts.ts'
import { connectionRule, fact, type Rule } from '../rule.ts'

/** What is older tells of the past only. */
const RECENT_DAYS = 30

export const refusedRules: readonly Rule[] = [
  connectionRule({
    code: 'policy_refused', domain: 'crypto', severity: 'error', title: 'The policy refuses what is exchanged',
    rationale: 'Something about a message, a file or a line is weaker than was agreed. Nothing was sent or taken on it, and nothing will be until one side changes.',
    sources: ['RFC 9325 §3.1 (minimum versions)', 'NIST SP 800-131A Rev. 2', 'Waybill: policy and dated exceptions'], suggestion: 'Ask the partner to change it, or change what we send. If that takes time, add an exception with reason, owner and last day on the partner\'s page.',
    find: (view) =>
      view.refusals
        // Approved since: the drift has a rule of its own.
        .filter(({ rule, lastAt }) => rule !== 'approved' || lastAt > (view.facts.approval.approved?.at ?? ''))
        .filter(({ lastAt }) => lastAt > (view.traffic?.lastDeliveredAt ?? '') && daysBetween(lastAt, view.facts.now) <= RECENT_DAYS)
        .map((refusal) => ({
          detail: `${refusal.direction} ${refusal.rule} ${refusal.seen}`.slice(0, 200),
          message: `${view.name}: ${ruleText(refusal)}; it is "${refusal.seen}"`,
          evidence: [fact('Refused', `${refusal.times} times, last on ${dayOf(refusal.lastAt)}`), ...(refusal.asked === '' ? [] : [fact('The policy wants', refusal.asked)]), ...(refusal.exception === null || !(refusal.exception in TOLERATED) ? [] : [fact('Would permit it', refusal.exception)])],
          deliveries: refusal.delivery === null ? [] : [refusal.delivery],
          open: { kind: 'partner' as const, id: view.partner.document.id },
        })),
  }),
]

function ruleText({ rule, direction }: Refusal): string {
  if (rule in POLICY_RULES) return POLICY_RULES[rule as keyof typeof POLICY_RULES]
  return direction === 'inbound' ? 'what came is too weak' : 'what was to be sent is too weak'
}
