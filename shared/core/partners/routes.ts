/** From a partner's name to an open session: settings, secrets, pins and exceptions as they hold at this moment. */
import type { Connection, PartnerDocument } from '../../contract/partner-document.ts'
import type { FileTestResult, FileEndpoint, FileProtocol, FileSession, TestProgress } from '../protocols/file-protocol.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustService } from '../trust/service.ts'
import type { PartnerRepository, StoredPartner } from './repository.ts'
import { connectionOf, secretId, toleratedOn } from './rules.ts'

/** Where something would go, without opening anything. */
export interface Target {
  readonly partner: PartnerDocument
  readonly connection: Connection
  /** Fingerprints of the host keys accepted now. */
  readonly pinned: readonly string[]
}

export interface PartnerRoute {
  readonly connection: Connection
  /** Changes whenever a session opened earlier must not be used any more. */
  readonly version: string
  readonly verify: Connection['verify']
  connect(signal: AbortSignal): Promise<FileSession>
}

export interface Routes {
  /** Rejects with `partner.suspended` or `input.not_found`; without a connection, the only or first one. */
  target(partner: string, connection: string | undefined): Target
  /** Rejects with `partner.suspended` or `input.not_found`. */
  outbound(partner: string, connection: string): PartnerRoute
  test(partner: string, connection: string | undefined, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult & { connection: string }>
}

export function createRoutes(deps: {
  readonly partners: PartnerRepository
  readonly trust: TrustService
  readonly secrets: SealedSecrets
  readonly protocols: { readonly sftp: FileProtocol<Extract<Connection, { protocol: 'sftp' }>> }
  readonly clock: Clock
}): Routes {
  const { partners, trust, secrets, protocols, clock } = deps

  const endpointOf = (partner: string, connection: Connection): FileEndpoint<Connection> => ({
    settings: connection,
    secrets: secretsOf(partner, connection),
    pins: trust.pins(partner, connection.id),
    tolerated: toleratedOn(partners.get(partner).document, connection.id, clock.now()),
  })

  const secretsOf = (partner: string, connection: Connection): Record<string, string> => {
    if (connection.auth.method === 'key')
      return connection.auth.item === undefined ? {} : { privateKey: trust.clientKey(connection.auth.item) }
    const password = secrets.get(secretId(partner, connection.id, 'password'))
    return password === null ? {} : { password }
  }

  const active = (partner: string): StoredPartner => {
    const stored = partners.get(partner)
    if (stored.suspended) throw new AppError('partner.suspended', `${partner} is suspended`)
    return stored
  }

  return {
    target(partner, id) {
      const { document } = active(partner)
      const connection = connectionOf(document, id)
      return { partner: document, connection, pinned: trust.pins(partner, connection.id).map((pin) => pin.fingerprint) }
    },

    outbound(partner, id) {
      const stored = active(partner)
      const connection = connectionOf(stored.document, id)
      const endpoint = endpointOf(partner, connection)
      return {
        connection,
        version: JSON.stringify([stored.updatedAt, endpoint.pins.map((pin) => pin.item), endpoint.tolerated]),
        verify: connection.verify,
        connect: async (signal) => await protocols[connection.protocol].connect(endpoint, signal),
      }
    },

    async test(partner, id, onProgress, signal) {
      const connection = connectionOf(partners.get(partner).document, id)
      const result = await protocols[connection.protocol].test(endpointOf(partner, connection), onProgress, signal)
      return { ...result, connection: connection.id }
    },
  }
}
