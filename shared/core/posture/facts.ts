/** Everything that rules look at, as plain data: collected once, read-only, and the same for every rule. */
import type { Connection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { ExpectationDocument } from '../../contract/expectations.ts'
import type { PolicyDiff } from '../../contract/policy-calls.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { FlowDocument } from '../../contract/flow-document.ts'
import type { FlowSummary, RunOutcome } from '../../contract/flows.ts'
import type { ExpiryEntry, TrustFinding } from '../../contract/trust-insights.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'
import type { TestFact } from '../audit/facts.ts'
import type { Kept } from '../deliveries/retention.ts'
import type { Refusal } from '../policy/facts.ts'
import type { KeepingFacts } from '../safekeeping/facts.ts'
import { DAY_MS } from './days.ts'
import type { Aspect } from './observations.ts'

/** One value that was seen for one aspect of one connection's traffic, over all its deliveries. */
export interface Observation {
  readonly partner: string
  readonly connection: string
  readonly aspect: Aspect
  readonly value: string
  readonly firstSeen: string
  readonly lastSeen: string
  /** Newest first, at most 5. */
  readonly deliveries: readonly string[]
}

/** Numbers of one connection's deliveries. */
export interface ConnectionTraffic {
  readonly partner: string
  readonly connection: string
  readonly total: number
  readonly firstAt: string
  readonly lastAt: string
  readonly lastDeliveredAt: string | null
  /** Failed ones that were created after the last delivered one, newest first. */
  readonly failing: readonly { readonly id: string; readonly at: string; readonly code: string }[]
  /** Neither delivered nor given up, and resting: since when. */
  readonly resting: readonly { readonly id: string; readonly state: 'unknown' | 'disputed' | 'held' | 'awaiting-receipt'; readonly since: string }[]
}

export interface PartnerFact {
  readonly document: PartnerDocument
  readonly suspended: boolean
  readonly practice: boolean
  readonly createdAt: string
  readonly updatedAt: string
}

export interface PlatformFacts {
  readonly nodeVersion: string
  /** When the program was built; null: not built, as in development. */
  readonly builtAt: string | null
  /** Version of Electron where the desktop shell started the core; null else. */
  readonly shellVersion: string | null
  readonly keyInKeychain: boolean
  /** Whether the keychain gave the key at this start; null where it is not used, or was not asked. */
  readonly keychainAnswered: boolean | null
  /** Files outside the workspace that hold secrets of ours; none where the system has no permission bits. */
  readonly secretFiles: readonly { readonly what: 'passphrase' | 's3-profile'; readonly file: string; readonly mode: number }[]
  readonly folder: string
  /** Permission bits of the workspace folder; null where the system has none. */
  readonly folderMode: number | null
  readonly freeBytes: number
  /** What files of the last 30 days added to the workspace. */
  readonly grownBytes: number
  /** Names of known-answer tests that failed. */
  readonly failedPrimitives: readonly string[]
  /** Clock of the disk minus ours, milliseconds. */
  readonly clockSkewMs: number
  readonly receiver: { readonly enabled: boolean; readonly listening: boolean; readonly host: string; readonly port: number; readonly tls: boolean; readonly oldHttp: boolean; readonly problem: string | null; readonly queuedReceipts: number }
}

export interface AuditFacts {
  readonly events: number
  readonly firstAt: string | null
  readonly lastAt: string | null
  /** Newest verification of the whole chain. */
  readonly verified: { readonly at: string; readonly ok: boolean } | null
}

/** What was approved last, and what differs from it since. */
export interface ApprovalFact {
  readonly hardened: boolean
  readonly approved: { readonly at: string; readonly by: string; readonly reason: string } | null
  readonly signatureValid: boolean
  readonly lines: PolicyDiff['lines']
}

/** Who would hear of trouble. */
export interface NoticeFacts {
  /** On the desktop. */
  readonly native: boolean
  /** By e-mail or webhook: set up, and chosen for what needs a look. */
  readonly sent: boolean
}

/** Age of sealed secrets: never their content. */
export interface SecretAge {
  readonly partner: string
  readonly connection: string
  readonly field: string
  readonly sealedAt: string
}

export interface FlowFact {
  readonly document: FlowDocument
  readonly paused: FlowSummary['paused']
  readonly updatedAt: string
  /** Outcomes of its newest runs that have ended, the newest first. */
  readonly recent: readonly RunOutcome[]
  /** Due times of the last seven days at which nobody was there and that nothing made up for. */
  readonly missedThisWeek: number
  /** Missed times that wait for a decision. */
  readonly pending: number
}

export interface PostureFacts {
  readonly now: number
  readonly station: StationDocument | null
  readonly partners: readonly PartnerFact[]
  readonly items: readonly TrustItem[]
  readonly expiry: readonly ExpiryEntry[]
  readonly trust: readonly TrustFinding[]
  readonly observations: readonly Observation[]
  readonly traffic: readonly ConnectionTraffic[]
  readonly refusals: readonly Refusal[]
  readonly flows: readonly FlowFact[]
  readonly secrets: readonly SecretAge[]
  readonly platform: PlatformFacts
  readonly audit: AuditFacts
  readonly keeping: KeepingFacts
  readonly tests: readonly TestFact[]
  readonly retention: readonly Kept[]
  readonly approval: ApprovalFact
  readonly notices: NoticeFacts
  /** What is watched for. */
  readonly expectations: readonly ExpectationDocument[]
}

/** One connection with all that concerns it. */
export interface ConnectionView {
  readonly partner: PartnerFact
  readonly connection: Connection
  /** `acme/sftp`. */
  readonly id: string
  readonly name: string
  readonly tolerated: readonly string[]
  readonly observations: readonly Observation[]
  readonly traffic: ConnectionTraffic | null
  readonly refusals: readonly Refusal[]
  readonly secrets: readonly SecretAge[]
  readonly test: TestFact | null
  /** Flows that go there or come from there; without a connection in its target, a flow uses the partner's first. */
  readonly flows: readonly FlowFact[]
  /** Items that are bound for it now, by the partner or by our station. */
  readonly bound: readonly { readonly item: TrustItem; readonly binding: Binding }[]
  readonly facts: PostureFacts
}

export function isActive({ activeFrom, activeUntil }: Pick<Binding, 'activeFrom' | 'activeUntil'>, now: number): boolean {
  return Date.parse(activeFrom) <= now && (activeUntil === null || now < Date.parse(activeUntil))
}

/** Views of the partners' connections; suspended partners have none, because nothing travels there. */
export function viewsOf(facts: PostureFacts): ConnectionView[] {
  const bindings = facts.items.flatMap((item) => item.bindings.filter((binding) => isActive(binding, facts.now)).map((binding) => ({ item, binding })))
  const byPartner = Map.groupBy(bindings, ({ binding }) => binding.partner)
  const place = ({ partner, connection }: { readonly partner: string; readonly connection: string }): string => `${partner}/${connection}`
  const observations = Map.groupBy(facts.observations, place)
  const secrets = Map.groupBy(facts.secrets, place)
  const traffic = new Map(facts.traffic.map((one) => [place(one), one]))
  const tests = new Map(facts.tests.map((one) => [one.place, one]))
  const refusals = Map.groupBy(facts.refusals, place)
  const flows = Map.groupBy(facts.flows.flatMap((flow) => flow.document.targets.map((target) => ({ flow, target }))), ({ target }) => target)
  const ofStation = byPartner.get(null) ?? []
  return facts.partners
    .filter(({ suspended }) => !suspended)
    .flatMap((partner) =>
      partner.document.connections.map((connection): ConnectionView => {
        const id = `${partner.document.id}/${connection.id}`
        return {
          partner,
          connection,
          id,
          name: `${partner.document.name} (${connection.id})`,
          tolerated: toleratedOn(partner.document, connection.id, facts.now),
          observations: observations.get(id) ?? [],
          traffic: traffic.get(id) ?? null,
          refusals: refusals.get(id) ?? [],
          secrets: secrets.get(id) ?? [],
          test: tests.get(id) ?? null,
          flows: [...(flows.get(id) ?? []), ...(connection === partner.document.connections[0] ? (flows.get(partner.document.id) ?? []) : [])].map(({ flow }) => flow),
          bound: [...(byPartner.get(partner.document.id) ?? []).filter(({ binding }) => binding.connection === null || binding.connection === connection.id), ...ofStation],
          facts,
        }
      }),
    )
}

function toleratedOn(document: PartnerDocument, connection: string, now: number): string[] {
  return document.exceptions.filter((exception) => now < Date.parse(`${exception.until}T00:00:00.000Z`) + DAY_MS && (exception.connection === undefined || exception.connection === connection)).map(({ allow }) => allow)
}

/** Bound items in a role; the partner's own come before the station's. */
export function inRole(view: ConnectionView, role: Role): ConnectionView['bound'] {
  return view.bound.filter(({ binding }) => binding.role === role)
}
