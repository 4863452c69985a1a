/** A whole installation in this process, for tests that exchange messages between two of them or with a real peer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyObject } from 'node:crypto'
import type { Delivery } from '../../../contract/deliveries.ts'
import type { Role } from '../../../contract/trust.ts'
import { createAuditRepository } from '../../audit/repository.ts'
import { createAuditTrail } from '../../audit/service.ts'
import { generateSelfSigned, privateKeyPem, type Certificate } from '../../crypto/x509/index.ts'
import { systemActor } from '../../kernel/actor.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { createEventBus, type EventBus } from '../../kernel/events.ts'
import { silentLogger, type Logger } from '../../kernel/logger.ts'
import type { GraphOptions, OpenDomains } from '../../graph/options.ts'
import { buildOpenGraph } from '../../open-graph.ts'
import { partnerFacts } from '../../partners/facts.ts'
import { createPartnerRepository } from '../../partners/repository.ts'
import type { Database } from '../../store/database.ts'
import { certificateItem } from '../../trust/certificates.ts'
import { createInventory } from '../../trust/inventory.ts'
import { createTrustRepository } from '../../trust/repository.ts'
import type { Keychain } from '../../workspace/keychain.ts'
import { createWorkspace, openWorkspace, type Workspace } from '../../workspace/open-workspace.ts'

export interface Identity {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
}

export interface TestStation {
  readonly folder: string
  readonly as2Id: string
  readonly identity: Identity
  readonly bus: EventBus
  handlers(): OpenDomains
  database(): Database
  /** Binds a certificate (with its key where it is ours) in roles. */
  bind(item: { certificate: Certificate; privateKey?: KeyObject }, roles: readonly Role[], target?: { partner: string; connection?: string }): void
  /** Applies a partner document. */
  partner(document: unknown): void
  file(name: string, content: string | Uint8Array): string
  /** Sends one file and answers the delivery at rest. */
  send(partner: string, path: string, options?: { readonly allowDuplicate?: string }): Promise<Delivery>
  received(): Delivery[]
  /** Listens on a free port and answers the address. */
  listen(): Promise<string>
  /** Ends the program and opens the workspace again. */
  restart(): Promise<void>
  close(): Promise<void>
}

export const context = { actor: systemActor, signal: new AbortController().signal }

const noKeychain = {
  available: async () => await Promise.resolve(false),
  read: async () => await Promise.resolve(null),
  write: async () => await Promise.reject(new Error('there is no keychain')),
  remove: async () => await Promise.resolve(),
}
const PASSPHRASE = 'correct horse battery'

export async function testStation(as2Id: string, options: { readonly identity?: Identity; readonly clock?: Clock; readonly logger?: Logger; readonly surroundings?: Pick<GraphOptions, 'builtAt' | 'env' | 'selfTests'>; readonly keychain?: Keychain } = {}): Promise<TestStation> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-station-'))
  const folder = join(home, 'workspace')
  const keychain = options.keychain ?? noKeychain
  mkdirSync(folder)
  const clock = options.clock ?? systemClock
  const bus = createEventBus()
  const identity = options.identity ?? (await generateSelfSigned({ subject: { commonName: as2Id }, key: 'rsa-2048' }))
  let workspace: Workspace = await createWorkspace({ folder, keychain, clock, passphrase: PASSPHRASE, useKeychain: options.keychain !== undefined, cost: { n: 16, r: 8, p: 1 } })

  const build = (): ReturnType<typeof buildOpenGraph> => {
    const graph = buildOpenGraph({
      workspace,
      clock,
      random: () => 0.5,
      publisher: bus,
      logger: options.logger ?? silentLogger,
      resolveFile: (source) => {
        if (!('path' in source)) throw new Error('paths only')
        return { path: source.path, name: source.path.split('/').at(-1) ?? '' }
      },
      practice: { start: async () => await Promise.reject(new Error('no practice partner here')) },
      version: 'test',
      ...options.surroundings,
    })
    graph.start()
    return graph
  }
  let graph = build()

  const station: TestStation = {
    folder,
    as2Id,
    identity,
    bus,
    handlers: () => graph.handlers,
    database: () => workspace.database,
    bind(item, roles, target) {
      const { database, secrets } = workspace
      const inventory = createInventory({ repository: createTrustRepository(database), secrets, audit: createAuditTrail(createAuditRepository(database), clock), publisher: bus, clock, partners: partnerFacts(createPartnerRepository(database), clock) })
      database.transaction(() => {
        const kept = inventory.ensure('x509', { ...certificateItem(item.certificate), ...(item.privateKey === undefined ? {} : { privateKey: privateKeyPem(item.privateKey) }) }, 'test', systemActor).item
        for (const role of roles) inventory.bind(kept.id, { ...target, role }, systemActor)
      })
    },
    partner: (document) => void graph.handlers.partners.apply({ document }, context),
    file(name, content) {
      const path = join(home, name)
      writeFileSync(path, content)
      return path
    },
    async send(partner, path, sendOptions = {}) {
      const { results } = await graph.handlers.deliveries.send({ partner, files: [{ source: { path } }], ...sendOptions }, context)
      const [result] = results
      if (!result?.delivery) throw new Error(result?.error?.message ?? 'nothing was sent')
      const { deliveries } = await graph.handlers.deliveries.wait({ ids: [result.delivery.id] }, context)
      const [delivery] = deliveries
      if (delivery === undefined) throw new Error('the delivery is gone')
      return delivery as Delivery
    },
    received: () => (graph.handlers.deliveries.list({ limit: 1000, direction: 'inbound' }, context) as { deliveries: Delivery[] }).deliveries,
    async listen() {
      const { address } = await graph.handlers.as2.configureReceiver({ enabled: true, host: '127.0.0.1', port: 0 }, context)
      if (address === null) throw new Error('the receiver does not listen')
      return address
    },
    async restart() {
      await graph.stop()
      await workspace.close()
      workspace = await openWorkspace({ folder, keychain, clock, passphrase: PASSPHRASE, remember: options.keychain === undefined ? 'no' : 'if-lost' })
      graph = build()
    },
    async close() {
      await graph.stop()
      await workspace.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
  station.bind(identity, ['sign', 'decrypt'])
  graph.handlers.station.apply({ document: { name: as2Id, as2: { id: as2Id } } }, context)
  return station
}

/** A document for the partner `other` as `of` sees it. */
export function as2Partner(id: string, as2Id: string, url: string | undefined, change: Readonly<Record<string, unknown>> = {}, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { id, name: id, connections: [{ id: 'as2', protocol: 'as2', as2Id, ...(url === undefined ? {} : { url }), ...change }], ...more }
}

/** Makes two installations partners of each other: both listen, both trust the other's certificate. */
export async function pair(left: TestStation, right: TestStation, change: Readonly<Record<string, unknown>> = {}, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const [leftUrl, rightUrl] = [await left.listen(), await right.listen()]
  left.partner(as2Partner('right', right.as2Id, rightUrl, change, more))
  right.partner(as2Partner('left', left.as2Id, leftUrl, change, more))
  left.bind({ certificate: right.identity.certificate }, ['verify', 'encrypt'], { partner: 'right', connection: 'as2' })
  right.bind({ certificate: left.identity.certificate }, ['verify', 'encrypt'], { partner: 'left', connection: 'as2' })
}

/** Waits for what happens by itself, bounded. */
export async function until<T>(look: () => T | undefined | null | false | Promise<T | undefined | null | false>, what: string): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${what} did not happen`)
}
