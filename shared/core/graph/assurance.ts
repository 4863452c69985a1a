/** What looks at the whole: posture, and the rehearsal of planned changes. */
import { join } from 'node:path'
import { chainFacts, testFacts } from '../audit/facts.ts'
import { createRetention, grownSince, KEPT_DAYS } from '../deliveries/retention.ts'
import { createTraffic } from '../deliveries/traffic.ts'
import { createEvidence } from '../evidence/service.ts'
import { timestamp } from '../kernel/clock.ts'
import { createMessageRehearsal } from '../messages/rehearsal.ts'
import { createMessageRepository } from '../messages/repository.ts'
import { approvalOf, noticeFacts } from '../posture/agreed-facts.ts'
import { createPosture } from '../posture/create.ts'
import type { PlatformFacts } from '../posture/facts.ts'
import { flowFactOf } from '../posture/flow-facts.ts'
import { platformFacts } from '../posture/platform-facts.ts'
import { secretAges } from '../posture/secret-ages.ts'
import { createRehearsal } from '../rollover/rehearsal.ts'
import { keepingFacts } from '../safekeeping/facts.ts'
import type { Agreements } from './agreements.ts'
import type { Automation } from './automation.ts'
import type { Exchange } from './exchange.ts'
import type { Foundation } from './foundation.ts'
import type { GraphOptions } from './options.ts'

const GROWTH_MS = 30 * 86_400_000
const MOST_ITEMS = 100_000
const MOST_FLOWS = 10_000
/** Of one delivery. */
const MOST_RECORDS = 10_000

export type Assurance = ReturnType<typeof buildAssurance>

export function buildAssurance(options: GraphOptions, foundation: Foundation, agreements: Agreements, { messages, sending, deliveries }: Exchange, { flows, expectations, notifications, deliveryOf }: Automation) {
  const { workspace, clock, publisher, logger, version } = options
  const { common, audit, anchors, raise, records, payloads, partnerRepository, safekeeping, settings, station } = foundation
  const { trust, policy, facts, routes } = agreements
  const { database } = common

  const retention = createRetention({ database, payloads, clock })
  const failedPrimitives = once(() => (options.selfTests ?? []).flatMap((test) => test()).filter(({ ok }) => !ok).map(({ name }) => name))
  const receiver = (): PlatformFacts['receiver'] => {
    const { settings, listening, error, receiptsToPost } = messages.receiver.status()
    return { ...settings, listening, problem: error?.message ?? null, queuedReceipts: receiptsToPost }
  }
  const platform = async (): Promise<PlatformFacts> =>
    await platformFacts({
      folder: workspace.folder,
      clock,
      keyInKeychain: workspace.keyInKeychain,
      receiver: receiver(),
      failedPrimitives,
      keychainAnswered: workspace.keychainAnswered,
      builtAt: options.builtAt ?? null,
      grownBytes: () => grownSince(database, timestamp(clock.now() - GROWTH_MS)),
      env: options.env ?? {},
    })
  return {
    posture: createPosture({
      database,
      sources: {
        station: () => station.show(),
        partners: () => partnerRepository.all(),
        items: () => trust.list({ limit: MOST_ITEMS }).items,
        insights: trust.insights,
        traffic: createTraffic(database),
        refusals: policy.refusals,
        flows: () => flows.list({ limit: MOST_FLOWS }).flows.map(({ id }) => flowFactOf(flows.show(id), clock.now())),
        secrets: () => secretAges(workspace.secrets.ages('partner/')),
        audit: () => chainFacts(records),
        platform,
        keeping: async () => await keepingFacts({ folder: workspace.folder, settings: safekeeping.settings(), backup: safekeeping.lastBackup(), anchor: safekeeping.lastAnchor() }),
        tests: () => testFacts(records),
        retention: async () => await retention(partnerRepository.all().map(({ id, document }) => ({ partner: id, days: document.limits.keepDays ?? KEPT_DAYS }))),
        approval: () => ({ hardened: policy.hardened(), ...approvalOf(policy.diff()) }),
        expectations: () => expectations.list({ limit: MOST_FLOWS }).expectations.map(({ document }) => document),
        notices: () => noticeFacts(notifications.settings(), settings().notifications),
      },
      audit,
      bus: publisher,
      raise,
      clock,
      logger,
      version,
      approve: policy.approve,
    }),
    evidence: createEvidence({
      sources: {
        delivery: deliveries.show,
        records: (delivery) => records.about([delivery], [], MOST_RECORDS),
        anchor: anchors.head,
        certificates: (partner) => trust.list({ limit: MOST_ITEMS, kind: 'x509' }).items.filter(({ bindings }) => bindings.some((binding) => binding.partner === partner || binding.partner === null)),
        ownKeys: (items) =>
          items.flatMap(({ id, publicKey, hasPrivateKey }) => {
            const privateKey = hasPrivateKey ? trust.materials.one(id).privateKey : null
            return publicKey === null || privateKey === null ? [] : [{ certificate: publicKey, privateKey }]
          }),
        message: messages.evidence.of,
        has: payloads.has,
        read: (sha256, signal) => payloads.read(sha256, { offset: 0, signal }),
        names: (partner) => ({ station: station.show()?.name ?? null, partner: partnerRepository.find(partner)?.document.name ?? partner }),
      },
      signer: anchors,
      audit,
      clock,
      workspace: workspace.id,
      product: `Waybill/${version}`,
      exports: join(workspace.folder, 'exports'),
    }),
    rehearse: createRehearsal({
      trust,
      messages: createMessageRehearsal({ messages: createMessageRepository(database), payloads, routes, identities: sending.identities, deliveryOf }),
      partners: facts,
      receiverShows: () => messages.receiver.shows(),
      clock,
    }),
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
