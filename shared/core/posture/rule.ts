/** What a rule is: a code, why it matters and who says so, and a pure question to the facts. */
import type { Fact } from '../../contract/common.ts'
import type { MendedAt, PostureDomain, PostureScope, Severity, Subject } from '../../contract/posture.ts'
import type { ConnectionView, PartnerFact, PostureFacts } from './facts.ts'

export interface RuleText {
  /** Stable: people suppress by it. */
  readonly code: string
  readonly domain: PostureDomain
  readonly severity: Severity
  readonly title: string
  readonly rationale: string
  /** RFC, NIST, CA/Browser Forum, incidents of peers. */
  readonly sources: readonly string[]
  /** What an office worker can do. */
  readonly suggestion: string
}

/** One match of a rule. What is left out comes from the rule and the view. */
export interface Hit {
  readonly message: string
  readonly severity?: Severity
  readonly suggestion?: string
  readonly subject?: Subject
  readonly partner?: string | null
  readonly connection?: string | null
  /** Tells several hits of one rule about one subject apart. */
  readonly detail?: string
  readonly evidence?: readonly Fact[]
  readonly deliveries?: readonly string[]
  readonly open?: MendedAt
}

interface OfConnection extends RuleText {
  readonly scope: 'connection'
  find(view: ConnectionView): readonly Hit[]
}
interface OfPartner extends RuleText {
  readonly scope: 'partner'
  find(partner: PartnerFact, facts: PostureFacts): readonly Hit[]
}
/** Over everything; its hits name their subject. `item` and `platform` only tell what it is about. */
interface OfAll extends RuleText {
  readonly scope: 'platform' | 'item' | 'flow'
  find(facts: PostureFacts): readonly Hit[]
}

export type Rule = OfConnection | OfPartner | OfAll

export const connectionRule = (rule: Omit<OfConnection, 'scope'>): Rule => ({ ...rule, scope: 'connection' })
export const partnerRule = (rule: Omit<OfPartner, 'scope'>): Rule => ({ ...rule, scope: 'partner' })
export const platformRule = (rule: Omit<OfAll, 'scope'>): Rule => ({ ...rule, scope: 'platform' })
export const flowRule = (rule: Omit<OfAll, 'scope'>): Rule => ({ ...rule, scope: 'flow' })
export const itemRule = (rule: Omit<OfAll, 'scope'>): Rule => ({ ...rule, scope: 'item' })

export type { PostureScope }

export const fact = (label: string, value: string | number): Fact => ({ label, value: String(value) })

export const ofItem = (item: { readonly id: string; readonly label: string }): Pick<Hit, 'subject' | 'open'> => ({ subject: { kind: 'item', id: item.id, label: item.label }, open: { kind: 'trust', id: item.id } })
