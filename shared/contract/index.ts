/** The whole contract between the core and everything that talks to it. */
import { as2 } from './as2.ts'
import { audit } from './audit.ts'
import { evidence } from './evidence.ts'
import { background } from './background.ts'
import type { Client as ClientOf, Handlers as HandlersOf, TopicPayloads } from './define.ts'
import { deliveries } from './deliveries.ts'
import { expectations } from './expectations.ts'
import { notifications } from './notifications.ts'
import { flows } from './flows.ts'
import { partners, practice } from './partners.ts'
import { policy } from './policy-calls.ts'
import { cards } from './cards.ts'
import { rollover } from './rollover.ts'
import { posture } from './posture.ts'
import { safekeeping } from './safekeeping.ts'
import { station } from './station.ts'
import { trust } from './trust.ts'
import { workspace } from './workspace.ts'

export const contract = { workspace, station, partners, practice, trust, policy, cards, rollover, deliveries, flows, expectations, background, as2, notifications, audit, evidence, safekeeping, posture } as const

export type Contract = typeof contract
/** The typed caller of this contract. */
export type WaybillClient = ClientOf<Contract>
/** Every handler of this contract. */
export type WaybillHandlers<Context> = HandlersOf<Contract, Context>
/** Payloads by topic name, as `deliveries.changed`. */
export type WaybillTopics = TopicPayloads<Contract>
