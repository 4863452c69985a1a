/** From a partner's name to an open session: settings, secrets, trust and exceptions as they hold at this moment. */
import type { As2Connection, Connection, FileConnection, FolderConnection, FtpsConnection, S3Connection, SftpConnection } from '../../contract/connections/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { FileTestResult, FileEndpoint, LinePolicy, FileProtocol, FileSession, TestProgress, TlsTrust } from '../protocols/file-protocol.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustService } from '../trust/service.ts'
import type { PartnerRepository, StoredPartner } from './repository.ts'
import { createConnectionSlots, type SlotLimits } from './connection-slots.ts'
import { connectionOf, toleratedOn } from './rules.ts'
import { createSealing } from './sealing.ts'

/** Where something would go, without opening anything. */
export interface Target {
  readonly partner: PartnerDocument
  readonly connection: Connection
  /** Fingerprints of the host keys or server certificates that are pinned now. */
  readonly pinned: readonly string[]
  /** Names of exceptions valid now. */
  readonly tolerated: readonly string[]
}

/** A way to a partner's files. */
export interface FileRoute {
  readonly kind: 'file'
  readonly partner: PartnerDocument
  readonly connection: FileConnection
  /** Changes whenever a session opened earlier must not be used any more. */
  readonly version: string
  /** Opens a session in the folder named, as the settings name it; left out: where we put files. */
  connect(signal: AbortSignal, folder?: string): Promise<FileSession>
  /** A further session beside open ones; null where the partner permits no more, or its server took no more. `folder`: as for `connect`. */
  connectAnother(signal: AbortSignal, folder?: string): Promise<FileSession | null>
  /** Calls when somebody waits for a connection to this partner: a session that rests should be closed then. Answers what ends it. */
  onWanted(listener: () => void): () => void
}

/** A way to exchange messages with a partner: settings, secrets, TLS trust and exceptions as they hold now. */
export interface MessageRoute {
  readonly kind: 'message'
  readonly partner: PartnerDocument
  readonly connection: As2Connection
  /** Changes whenever a line opened earlier must not be used any more. */
  readonly version: string
  /** By field name: `password`, `proxyPassword`. */
  readonly secrets: Readonly<Record<string, string>>
  readonly tls: TlsTrust
  readonly tolerated: readonly string[]
  readonly line: LinePolicy
}

/** An AS2 connection of a partner, for finding who sent a message. */
export interface MessageParty {
  readonly partner: PartnerDocument
  readonly connection: As2Connection
  readonly suspended: boolean
}

export interface FileProtocols {
  readonly sftp: FileProtocol<SftpConnection>
  readonly ftps: FileProtocol<FtpsConnection>
  readonly s3: FileProtocol<S3Connection>
  readonly folder: FileProtocol<FolderConnection>
}

export interface Routes {
  /** Rejects with `partner.suspended` or `input.not_found`; without a connection, the only or first one. */
  target(partner: string, connection: string | undefined): Target
  /** Rejects with `partner.suspended` or `input.not_found`. */
  files(partner: string, connection: string): FileRoute
  /** How many sessions to use at once while so many files wait: what the partner permits, a few where nothing was agreed. Never rejects. */
  sessionsAtOnce(partner: string, connection: string, waiting: number): number
  /** Whether the connection exchanges messages; false also when it is no more. */
  isMessages(partner: string, connection: string): boolean
  /** Rejects with `partner.suspended` or `input.not_found`. A suspended partner's receipts still count: `receiving`. */
  messages(partner: string, connection: string, options?: { readonly receiving: boolean }): MessageRoute
  /** Every AS2 connection there is. */
  parties(): readonly MessageParty[]
  test(partner: string, connection: string | undefined, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult & { connection: string }>
}

/** Connections at once where nothing was agreed (FTPS, which carries one file at a time on each). */
const UNLESS_AGREED = 4
/** So many more files must wait for each further one. */
const WORTH_A_SIGN_IN = 8

interface Wanted {
  readonly stored: StoredPartner
  readonly connection: FileConnection
  /** Undefined: where we put files. */
  readonly folder: string | undefined
}

export function createRoutes(deps: {
  readonly partners: PartnerRepository
  readonly trust: TrustService
  readonly secrets: SealedSecrets
  readonly protocols: Partial<FileProtocols>
  readonly testMessages: (route: MessageRoute, onProgress: TestProgress, signal: AbortSignal) => Promise<FileTestResult>
  readonly policy: {
    /** In hardened mode: rejects with `policy.unapproved`. */
    requireApproved(partner: string, connection?: string): void
    line(place: { readonly partner: string; readonly connection: string; readonly direction: 'outbound' | 'inbound' }): LinePolicy
  }
  readonly clock: Clock
}): Routes {
  const { partners, trust, protocols, clock } = deps
  const sealing = createSealing(deps)
  const slots = createConnectionSlots()

  const protocolOf = (connection: FileConnection): FileProtocol<FileConnection> => {
    const found = protocols[connection.protocol]
    if (found === undefined) throw new AppError('input.invalid', `the protocol ${connection.protocol} is not part of this program`)
    // Each adapter gets the settings of its own protocol: the discriminator of the union decides both.
    return found as unknown as FileProtocol<FileConnection>
  }

  const endpointOf = (partner: string, connection: FileConnection, folder: string, direction: 'outbound' | 'inbound' = 'outbound'): FileEndpoint<FileConnection> => ({
    line: deps.policy.line({ partner, connection: connection.id, direction }),
    settings: connection,
    folder,
    secrets: sealing.secrets(partner, connection),
    pins: trust.materials.pins(partner, connection.id),
    ssh: trust.ssh.trust(partner, connection.id),
    tls: trust.materials.tls(partner, connection.id),
    tolerated: toleratedOn(partners.get(partner).document, connection.id, clock.now()),
  })

  const active = (partner: string, connection: string | undefined): StoredPartner => {
    const stored = partners.get(partner)
    if (stored.suspended) throw new AppError('partner.suspended', `${partner} is suspended`)
    deps.policy.requireApproved(partner, connection)
    return stored
  }

  /** Opens a session in a place that was taken; null where the server took no more than are open besides. */
  const openIn = async (giveBack: () => void, { stored, connection, folder }: Wanted, signal: AbortSignal): Promise<FileSession | null> => {
    const { id } = stored.document
    try {
      return releasing(await protocolOf(connection).connect(endpointOf(id, connection, folder ?? connection.folder, folder === undefined ? 'outbound' : 'inbound'), signal), giveBack)
    } catch (error) {
      const enough = error instanceof AppError && error.code === 'ftps.busy' && slots.refused(id, connection.id)
      giveBack()
      if (enough) return null
      throw error
    }
  }

  /** Where the server takes no more than are open besides, it waits for one of them to end. */
  const connectTo = async (wanted: Wanted, signal: AbortSignal): Promise<FileSession> => {
    const { stored, connection } = wanted
    for (;;) {
      const place = await slots.take(stored.document.id, connection.id, limitsOf(stored.document, connection), signal)
      const session = await openIn(place, wanted, signal)
      if (session !== null) return session
    }
  }

  let known: { readonly version: number; readonly parties: readonly MessageParty[] } | null = null

  /** A test is a connection too: while as many as the partner permits are at work, it waits, and says so. */
  const placeForTest = async (partner: string, connection: FileConnection, onProgress: TestProgress, signal: AbortSignal): Promise<() => void> => {
    const limits = limitsOf(partners.get(partner).document, connection)
    const place = slots.tryTake(partner, connection.id, limits)
    if (place !== null) return place
    onProgress({ name: 'resolve', status: 'running', ms: 0, evidence: [{ label: 'Waits', value: 'until one of the connections that the partner permits is free' }], error: null })
    return await slots.take(partner, connection.id, limits, signal)
  }

  const routes: Routes = {
    target(partner, id) {
      const { document } = active(partner, id)
      const connection = connectionOf(document, id)
      const pinned = [...trust.materials.pins(partner, connection.id), ...trust.ssh.trust(partner, connection.id).authorities, ...trust.materials.tls(partner, connection.id).pins].map(({ fingerprint }) => fingerprint)
      return { partner: document, connection, pinned, tolerated: toleratedOn(document, connection.id, clock.now()) }
    },

    files(partner, id) {
      const stored = active(partner, id)
      const connection = fileConnection(connectionOf(stored.document, id))
      const { pins, ssh, tls, tolerated, line } = endpointOf(partner, connection, connection.folder)
      return {
        kind: 'file',
        partner: stored.document,
        connection,
        version: JSON.stringify([stored.updatedAt, [...pins, ...tls.pins].map((pin) => pin.item), tls.client?.item, tls.authorities.length, ssh, tolerated, line]),
        connect: async (signal, folder) => await connectTo({ stored, connection, folder }, signal),
        async connectAnother(signal, folder) {
          const place = slots.tryTake(partner, connection.id, limitsOf(stored.document, connection))
          return place === null ? null : await openIn(place, { stored, connection, folder }, signal)
        },
        onWanted: (listener) => slots.onWanted(partner, listener),
      }
    },

    sessionsAtOnce(partner, id, waiting) {
      const connection = partners.find(partner)?.document.connections.find((candidate) => candidate.id === id)
      // A store has no sessions: what S3 permits is files side by side in the one of ours.
      if (connection === undefined || connection.protocol === 's3' || connection.protocol === 'folder') return 1
      return connection.maxConnections ?? Math.min(UNLESS_AGREED, 1 + Math.floor(waiting / WORTH_A_SIGN_IN))
    },

    isMessages(partner, id) {
      const connection = partners.find(partner)?.document.connections.find((candidate) => candidate.id === id)
      return connection !== undefined && isMessageConnection(connection)
    },

    messages(partner, id, { receiving } = { receiving: false }) {
      const stored = receiving ? partners.get(partner) : active(partner, id)
      const connection = connectionOf(stored.document, id)
      if (!isMessageConnection(connection)) throw new AppError('input.invalid', `${connection.id} is not a connection for messages`)
      const tls = trust.materials.tls(partner, connection.id)
      const tolerated = toleratedOn(stored.document, connection.id, clock.now())
      const line = deps.policy.line({ partner, connection: connection.id, direction: 'outbound' })
      return {
        kind: 'message',
        line,
        partner: stored.document,
        connection,
        version: JSON.stringify([stored.updatedAt, tls.pins.map((pin) => pin.item), tls.client?.item, tls.authorities.length, tolerated, line]),
        secrets: sealing.secrets(partner, connection),
        tls,
        tolerated,
      }
    },

    parties() {
      const version = partners.version()
      if (known?.version !== version) known = { version, parties: partners.all().flatMap(partiesOf) }
      return known.parties
    },

    async test(partner, id, onProgress, signal) {
      const named = connectionOf(partners.get(partner).document, id)
      if (isMessageConnection(named)) return { ...(await deps.testMessages(routes.messages(partner, named.id, { receiving: true }), onProgress, signal)), connection: named.id }
      const connection = fileConnection(named)
      const giveBack = await placeForTest(partner, connection, onProgress, signal)
      try {
        return { ...(await protocolOf(connection).test(endpointOf(partner, connection, connection.folder), onProgress, signal)), connection: connection.id }
      } finally {
        giveBack()
      }
    },
  }
  return routes
}

/** Folders and stores have no connections that somebody would count. */
function limitsOf({ limits }: PartnerDocument, connection: FileConnection): SlotLimits {
  const counts = connection.protocol === 'sftp' || connection.protocol === 'ftps'
  return counts ? { connection: connection.maxConnections ?? UNLESS_AGREED, partner: limits.maxConnections } : { connection: Infinity, partner: undefined }
}

/** Gives the place back when the session is closed. */
function releasing(session: FileSession, release: () => void): FileSession {
  return {
    ...session,
    capabilities: session.capabilities,
    async close() {
      try {
        await session.close()
      } finally {
        release()
      }
    },
  }
}

function fileConnection(connection: Connection): FileConnection {
  if (isMessageConnection(connection)) throw new AppError('as2.listens', `${connection.id} exchanges messages; it has no folder of files`)
  return connection
}

/** Whether a connection exchanges messages rather than files in folders. */
export function isMessageConnection(connection: Connection): connection is As2Connection {
  return connection.protocol === 'as2'
}

function partiesOf({ document, suspended }: StoredPartner): MessageParty[] {
  return document.connections.filter(isMessageConnection).map((connection) => ({ partner: document, connection, suspended }))
}
