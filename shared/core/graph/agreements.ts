/** What was agreed with partners: their trust material, the policy, planned changes, and the ways to their servers. */
import { join } from 'node:path'
import type { OtherOfChange } from '../messages/overlap.ts'
import { createMessageRepository } from '../messages/repository.ts'
import type { MessageSending } from '../messages/service.ts'
import { partnerFacts } from '../partners/facts.ts'
import { createRoutes } from '../partners/routes.ts'
import { createPartnerService } from '../partners/service.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { createPolicyService } from '../policy/service.ts'
import { folder } from '../protocols/folder/index.ts'
import { ftps } from '../protocols/ftps/index.ts'
import { s3 } from '../protocols/s3/index.ts'
import { sftp } from '../protocols/sftp/index.ts'
import { createRolloverService } from '../rollover/service.ts'
import type { FlowAtTime } from '../trust/affected-flows.ts'
import { createExpiryWatch } from '../trust/expiry-watch.ts'
import { createTrustRepository } from '../trust/repository.ts'
import { createTrustService } from '../trust/service.ts'
import type { Foundation } from './foundation.ts'
import type { GraphOptions } from './options.ts'

export type Agreements = ReturnType<typeof buildAgreements>

/** @param later what is built on top of it and asked only once everything stands */
export function buildAgreements(
  { workspace, clock, logger }: GraphOptions,
  foundation: Foundation,
  later: {
    readonly flows: () => readonly FlowAtTime[]
    readonly requireClean: (partner: string) => void
    readonly testMessages: MessageSending['test']
  },
) {
  const { common, audit, raise, partnerRepository, deliveryRepository, station } = foundation
  const { database, secrets } = workspace
  const facts = partnerFacts(partnerRepository, clock)
  const trust = createTrustService({ ...common, repository: createTrustRepository(database), secrets, audit, partners: facts, flows: later.flows })
  const rollovers = createRolloverService({ ...common, trust, partners: facts, flows: later.flows, station: station.show, seen: createMessageRepository(database).seen, audit, raise })
  const policy = createPolicyService({ ...common, secrets, audit, station: station.show, partners: facts, boundItems: trust.boundItems, lastObserved: deliveryRepository.lastObserved, raise })
  /** In hardened mode what posture found counts too; otherwise it never stands in the way. */
  const gate: PolicyGate = {
    ...policy.gate,
    requireApproved(partner, connection, direction) {
      policy.gate.requireApproved(partner, connection, direction)
      if (policy.hardenedFor(partner)) later.requireClean(partner)
    },
  }
  const routes = createRoutes({ partners: partnerRepository, trust, secrets, protocols: { sftp, ftps, s3, folder }, testMessages: later.testMessages, policy: gate, clock })
  const inboxOf = (partner: string): string => partnerRepository.find(partner)?.document.inbox ?? join(workspace.folder, 'partners', partner, 'Inbox')
  const otherOfChange: OtherOfChange = (partner, fingerprint) => {
    const other = rollovers.otherOf(partner, fingerprint)
    return other === null ? null : trust.materials.one(other)
  }
  return {
    facts,
    trust,
    rollovers,
    policy,
    gate,
    routes,
    inboxOf,
    otherOfChange,
    partners: createPartnerService({ ...common, repository: partnerRepository, deliveries: deliveryRepository, trust, secrets, audit, inboxOf, exceptionsOf: policy.exceptionsOf }),
    expiryWatch: createExpiryWatch({ database, insights: trust.insights, audit, raise, also: () => [rollovers.check(), rollovers.remind(), policy.remind()], clock, logger }),
  }
}
