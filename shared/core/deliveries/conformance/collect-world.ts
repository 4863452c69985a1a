/** The whole way in, on a real database and payload store, for tests that bring a partner's folder of their own. */
import { join } from 'node:path'
import { ReceiveSettings } from '../../../contract/connections/common.ts'
import type { UnzipStep } from '../../../contract/flow-document.ts'
import { PartnerDocument } from '../../../contract/partner-document.ts'
import { createAuditRepository } from '../../audit/repository.ts'
import { createAuditTrail, verifyChain } from '../../audit/service.ts'
import { openLines } from '../../background/open-lines.ts'
import { systemActor } from '../../kernel/actor.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { createEventBus } from '../../kernel/events.ts'
import type { Routes } from '../../partners/routes.ts'
import type { FileSession } from '../../protocols/file-protocol.ts'
import type { Database } from '../../store/database.ts'
import { openPayloadStore } from '../../store/payload-store.ts'
import { createLedger } from '../ledger.ts'
import { createDeliveryParts } from '../parts.ts'
import { createDeliveryRepository } from '../repository.ts'
import { createCollect, type Seen } from '../inbound/collect.ts'
import { createInboundReleases, type OpenPayload } from '../inbound/release.ts'
import { createRemoteFileRepository } from '../inbound/remote-files.ts'
import { createUnpack } from '../inbound/unpack.ts'

export interface TestCollectOptions {
  /** Holds `payloads` and `Inbox`. */
  readonly folder: string
  readonly database: Database
  readonly connect: () => FileSession
  /** A further session beside it; left out: there is no place for one. */
  readonly another?: () => FileSession | null
  readonly receive?: Record<string, unknown>
  readonly clock?: Clock
  readonly open?: OpenPayload
  /** What the flow unpacks. */
  readonly unzip?: UnzipStep
  /** Gets the hashes of what was unpacked and is not kept. */
  readonly abandoned?: string[]
  readonly limits?: object
  readonly onLook?: (seen: Seen) => void
}

export type TestCollect = Awaited<ReturnType<typeof testCollect>>

/** Partner `acme` with one connection whose files come from `connect`. */
export async function testCollect({ folder, database, connect, another = () => null, receive = {}, clock = systemClock, open, unzip, abandoned = [], limits = {}, onLook = () => undefined }: TestCollectOptions) {
  const partner = PartnerDocument.parse({
    id: 'acme',
    name: 'Acme',
    limits,
    connections: [{ protocol: 'folder', path: '/nowhere', receive: ReceiveSettings.parse({ stableSeconds: 0, ...receive }) }],
  })
  const [connection] = partner.connections
  if (connection?.protocol !== 'folder') throw new Error('not a folder')
  const routes = {
    target: () => ({ partner, connection, pinned: [] }),
    files: () => ({ kind: 'file' as const, partner, connection, version: '1', connect: async () => await Promise.resolve(connect()), connectAnother: async () => await Promise.resolve(another()), onWanted: () => () => undefined }),
    // As many as a connection for which nothing was agreed.
    sessionsAtOnce: (_partner: string, _connection: string, files: number) => Math.min(4, 1 + Math.floor(files / 8)),
  } as unknown as Routes
  const audit = createAuditRepository(database)
  const publisher = createEventBus()
  const repository = createDeliveryRepository(database)
  const ledger = createLedger({ database, deliveries: repository, audit: createAuditTrail(audit, clock), publisher, clock })
  const payloads = await openPayloadStore(join(folder, 'payloads'), Buffer.alloc(32, 1))
  const releases = createInboundReleases({
    policy: { permitContent: () => undefined, noteUses: () => undefined },
    database, repository, ledger, payloads, clock,
    logger: { log: () => undefined },
    inboxOf: () => join(folder, 'Inbox'),
    open: open ?? (async () => await Promise.resolve(null)),
    unpack: createUnpack({ payloads, abandon: (contents) => void abandoned.push(...contents.map(({ sha256 }) => sha256)), stepOf: () => unzip ?? null }),
    parts: createDeliveryParts(database),
  })
  const collect = createCollect({ database, repository, remoteFiles: createRemoteFileRepository(database), ledger, releases, payloads, routes, lines: openLines(), publisher, clock, onLook })
  return {
    repository,
    releases,
    receive: async () => await collect({ partner: 'acme', connection: undefined }, systemActor, new AbortController().signal),
    events: () => audit.list({ limit: 1000 }).events.map(({ type }) => type).toReversed(),
    chainHolds: () => verifyChain(audit, clock).ok,
  }
}
