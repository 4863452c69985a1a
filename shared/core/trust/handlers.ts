import type { WaybillHandlers } from '../../contract/index.ts'
import { AppError } from '../kernel/errors.ts'
import type { CallContext, ResolvedFile, ResolveFile } from '../kernel/call-context.ts'
import type { Routes } from '../partners/routes.ts'
import { readPublicKey } from '../crypto/ssh/index.ts'
import type { BindTarget } from './inventory.ts'
import { isHostList } from './material-files.ts'
import type { TrustService } from './service.ts'
import { looksLikeX509 } from './x509-material.ts'

export function trustHandlers(deps: {
  readonly service: TrustService
  readonly routes: Routes
  readonly resolveFile: ResolveFile
  readonly readContent: (file: ResolvedFile) => Promise<Buffer>
}): WaybillHandlers<CallContext>['trust'] {
  const { service, routes, resolveFile, readContent } = deps

  /** The servers behind what is to be bound: a known_hosts file is asked for their names. */
  const sshTargets = ({ partner, connection: id, role }: BindTarget): Parameters<TrustService['importKnownHosts']>[0]['targets'] => {
    if (partner === undefined || (role !== 'ssh-host' && role !== 'ssh-jump')) throw new AppError('input.invalid', 'known_hosts holds keys of servers: bind them to a partner as ssh-host or ssh-jump')
    const { connection } = routes.target(partner, id)
    const server = connection.protocol !== 'sftp' ? undefined : role === 'ssh-host' ? connection : connection.jump
    if (server === undefined) throw new AppError('input.invalid', `${partner}/${connection.id} has no SSH server for the role ${role}`)
    return [{ partner, connection: connection.id, host: server.host, port: server.port, role }]
  }

  return {
    list: (input) => service.list(input),
    show: ({ id }) => service.show(id),
    preview: async ({ source, kind, passphrase }) => await service.preview({ content: await readContent(resolveFile(source)), kind, passphrase }),
    async import({ source, ...request }, { actor }) {
      const content = await readContent(resolveFile(source))
      const text = looksLikeX509(content) ? '' : content.toString('utf8')
      if (isHostList(text)) return service.importKnownHosts({ text, targets: request.bind.flatMap(sshTargets), provenance: request.provenance }, actor)
      return await service.import({ ...request, content }, actor)
    },
    generate: async (request, { actor }) => await service.generate(request, actor),
    bind: ({ item, ...target }, { actor }) => service.bind(item, target, actor),
    unbind: ({ binding }, { actor }) => service.unbind(binding, actor),
    retire: ({ id, reason }, { actor }) => service.retire(id, reason, actor),
    remove({ id, reason }, { actor }) {
      service.remove(id, reason, actor)
      return { id }
    },
    revoke: ({ id, reason }, { actor }) => service.revoke(id, reason, actor),
    async attach({ id, source, provenance }, { actor }) {
      const file = resolveFile(source)
      return service.attach(id, provenance, { name: file.name, content: await readContent(file) }, actor)
    },
    attachment: ({ id, file }) => service.attachment(id, file),
    calendarFeed: () => ({ path: service.feed.path() }),
    setCalendarFeed: (request, { actor }) => ({ path: service.feed.set(request, actor) }),
    calendarByToken: ({ token }) => ({ text: service.feed.byToken(token) }),
    export: ({ id, format }) => service.export(id, format),
    expiry: (query) => service.insights.expiry(query),
    calendar: () => service.insights.calendar(),
    whatIf: ({ item, at }) => service.insights.whatIf(item, at),
    outlook: ({ at }) => service.insights.outlook(at),
    findings: () => ({ findings: service.insights.findings() }),
    request: ({ id }, { actor }) => service.request(id, actor),
    confirm: (request, { actor }) => service.confirm(request, actor),
    exportPrivate: async ({ id, password, reason }, { actor }) => await service.exportPrivate({ id, password, reason }, actor),
    async pinHostKey({ partner, connection, fingerprint, provenance, replace }, { actor, signal }) {
      const report = await routes.test(partner, connection, () => undefined, signal)
      const presented = report.hostKey
      if (presented === null) {
        const failed = report.stages.find(({ error }) => error !== null)?.error
        throw new AppError('net.unreachable', `no host key was presented: ${failed?.message ?? 'the server did not get that far'}`)
      }
      if (presented.fingerprint !== fingerprint)
        throw new AppError('sftp.fingerprint_differs', `compared: ${fingerprint}; presented: ${presented.fingerprint} (${presented.algorithm})`, {
          details: { compared: fingerprint, presented: presented.fingerprint, algorithm: presented.algorithm },
        })
      if (presented.verdict === 'revoked') throw new AppError('sftp.host_key_revoked', 'the key is marked as revoked for this connection; nothing was pinned', { details: { presented: presented.fingerprint } })
      return service.pinPresented({ partner, connection: report.connection, key: readPublicKey(presented.publicKey), provenance, compared: fingerprint, replace }, actor)
    },
    async pinCertificate({ partner, connection, fingerprint, provenance, replace }, { actor, signal }) {
      const compared = plainPin(fingerprint)
      const report = await routes.test(partner, connection, () => undefined, signal)
      const presented = report.certificate
      if (presented === null) {
        const failed = report.stages.find(({ error }) => error !== null)?.error
        throw new AppError('net.unreachable', `no certificate was presented: ${failed?.message ?? 'the server did not get that far'}`)
      }
      if (compared !== presented.fingerprint && compared !== presented.publicKeyPin)
        throw new AppError('tls.certificate_changed', 'the server presents another certificate than the one that was compared; nothing was pinned', {
          details: { compared, presented: presented.fingerprint, 'presented public key': presented.publicKeyPin },
        })
      const { connection: settings } = routes.target(partner, connection)
      if ('tls' in settings && settings.tls.trust === 'authority' && (presented.verdict === 'unknown' || presented.verdict === 'wrong-name'))
        throw new AppError('input.conflict', `${partner}/${report.connection} trusts authorities, and a pinned certificate must be vouched for besides: ${presented.reason}. To trust this certificate alone, set tls.trust to "pinned" first`)
      const certificate = compared === presented.fingerprint ? presented.pem : presented.publicKeyPin
      return service.pinCertificate({ partner, connection: report.connection, certificate, provenance, compared, replace }, actor)
    },
  }
}

/** A fingerprint as it was told: blanks, colons and capitals in hex are forgiven. */
function plainPin(told: string): string {
  const text = told.trim()
  const hex = /^sha256:(.*)$/is.exec(text)?.[1]?.replaceAll(/[\s:]/g, '').toLowerCase()
  if (hex !== undefined && /^[0-9a-f]{64}$/.test(hex)) return `sha256:${hex}`
  if (/^spki:[A-Za-z0-9+/]{43}=$/.test(text)) return text
  throw new AppError('input.invalid', 'write sha256: and the certificate\'s fingerprint in hex, or spki: and its public key\'s SHA-256 in Base64')
}
