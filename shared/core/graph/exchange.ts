/** What moves files: the engine of deliveries, AS2 messages, collecting and releasing what partners send. */
import { join } from 'node:path'
import { createCollect, type Seen } from '../deliveries/inbound/collect.ts'
import { createInboundReleases } from '../deliveries/inbound/release.ts'
import { createRemoteFileRepository } from '../deliveries/inbound/remote-files.ts'
import { createDeliveryEngine } from '../deliveries/engine.ts'
import { createLedger } from '../deliveries/ledger.ts'
import { createContentRemoval } from '../deliveries/content-removal.ts'
import { createUnpack } from '../deliveries/inbound/unpack.ts'
import { createDeliveryParts } from '../deliveries/parts.ts'
import { createPgpSteps, opening } from '../deliveries/pgp.ts'
import { createDeliveryService } from '../deliveries/service.ts'
import { createInboundSteps } from '../flows/inbound-steps.ts'
import { createFlowRepository } from '../flows/repository.ts'
import { createMessageRepository } from '../messages/repository.ts'
import { createMessageSending, createMessageService } from '../messages/service.ts'
import { connectionOf, toleratedOn } from '../partners/rules.ts'
import type { Agreements } from './agreements.ts'
import type { Foundation } from './foundation.ts'
import type { GraphOptions } from './options.ts'

export type Exchange = ReturnType<typeof buildExchange>

/** @param later what is built on top of it and asked only once everything stands */
export function buildExchange(options: GraphOptions, foundation: Foundation, agreements: Agreements, later: { readonly onLook: (seen: Seen) => void }) {
  const { workspace, clock, random, publisher, logger } = options
  const { common, audit, payloads, deliveryRepository, partnerRepository, background } = foundation
  const { trust, routes, gate, inboxOf, otherOfChange } = agreements
  const { database } = common
  const { lines } = background
  const ledger = createLedger({ ...common, deliveries: deliveryRepository, audit })
  const forMessages = { database, payloads, routes, materials: trust.materials, policy: gate, station: () => foundation.station.show(), audit, publisher, clock, random, logger, product: `Waybill/${options.version}`, otherOfChange }
  const sending = createMessageSending(forMessages)
  const engine = createDeliveryEngine({ exchange: sending.exchange, deliveries: deliveryRepository, ledger, payloads, publisher, clock, random, routes, policy: gate, lines, logger })
  const flowRepository = createFlowRepository(database)
  const inboundSteps = createInboundSteps({ repository: flowRepository, routes })
  const pgp = createPgpSteps({
    materials: trust.materials,
    payloads,
    targetOf(partner, connection) {
      const { document } = partnerRepository.get(partner)
      const open = inboundSteps(partner, connection).find((step) => step.kind === 'open')
      const agreed = connectionOf(document, connection)
      return { partner, connection: open === undefined ? agreed : opening(agreed, open.requireSignature), tolerated: toleratedOn(document, connection, clock.now()) }
    },
    clock,
  })
  const parts = createDeliveryParts(database)
  const contents = createContentRemoval({ database, payloads, audit, clock, inMessages: createMessageRepository(database).keeps })
  const unpack = createUnpack({ payloads, abandon: contents.abandon, stepOf: (partner, connection) => inboundSteps(partner, connection).find((step) => step.kind === 'unzip') ?? null })
  const releases = createInboundReleases({ database, repository: deliveryRepository, ledger, payloads, clock, logger, inboxOf, open: pgp.open, unpack, parts, policy: gate })
  const remoteFiles = createRemoteFileRepository(database)
  return {
    sending,
    engine,
    releases,
    remoteFiles,
    pgp,
    contents,
    flowRepository,
    collect: createCollect({ ...common, repository: deliveryRepository, remoteFiles, ledger, releases, payloads, routes, lines, onLook: later.onLook }),
    deliveries: createDeliveryService({ database, exchange: sending.exchange, repository: deliveryRepository, ledger, engine, payloads, routes, releases, pgp, parts, contents, policy: gate, publisher, clock }),
    messages: createMessageService({ ...forMessages, ...sending, ledger, releases, exports: join(workspace.folder, 'exports') }),
  }
}
