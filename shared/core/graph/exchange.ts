/** What moves files: the engine of deliveries, AS2 messages, collecting and releasing what partners send. */
import { join } from 'node:path'
import { createCollect, type Seen } from '../deliveries/inbound/collect.ts'
import { createInboundReleases } from '../deliveries/inbound/release.ts'
import { createRemoteFileRepository } from '../deliveries/inbound/remote-files.ts'
import { createDeliveryEngine } from '../deliveries/engine.ts'
import { createLedger } from '../deliveries/ledger.ts'
import { createPgpSteps } from '../deliveries/pgp.ts'
import { createDeliveryService } from '../deliveries/service.ts'
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
  const pgp = createPgpSteps({
    materials: trust.materials,
    payloads,
    targetOf(partner, connection) {
      const { document } = partnerRepository.get(partner)
      return { partner, connection: connectionOf(document, connection), tolerated: toleratedOn(document, connection, clock.now()) }
    },
    clock,
  })
  const releases = createInboundReleases({ database, repository: deliveryRepository, ledger, payloads, clock, logger, inboxOf, open: pgp.open, policy: gate })
  const remoteFiles = createRemoteFileRepository(database)
  return {
    sending,
    engine,
    releases,
    remoteFiles,
    collect: createCollect({ ...common, repository: deliveryRepository, remoteFiles, ledger, releases, payloads, routes, lines, onLook: later.onLook }),
    deliveries: createDeliveryService({ database, exchange: sending.exchange, repository: deliveryRepository, ledger, engine, payloads, routes, releases, pgp, policy: gate, publisher, clock }),
    messages: createMessageService({ ...forMessages, ...sending, ledger, releases, exports: join(workspace.folder, 'exports') }),
  }
}
