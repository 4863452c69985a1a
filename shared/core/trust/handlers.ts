import type { WaybillHandlers } from '../../contract/index.ts'
import { AppError } from '../kernel/errors.ts'
import type { CallContext, ResolvedFile, ResolveFile } from '../kernel/call-context.ts'
import type { Routes } from '../partners/routes.ts'
import { readPublicKey } from '../crypto/ssh/index.ts'
import type { TrustService } from './service.ts'

export function trustHandlers(deps: {
  readonly service: TrustService
  readonly routes: Routes
  readonly resolveFile: ResolveFile
  readonly readText: (file: ResolvedFile) => Promise<string>
}): WaybillHandlers<CallContext>['trust'] {
  const { service, routes, resolveFile, readText } = deps
  return {
    list: (input) => service.list(input),
    show: ({ id }) => service.show(id),
    async import({ source, label, passphrase, bind, provenance }, context) {
      const text = await readText(resolveFile(source))
      return service.import({ text, label, passphrase, bind, provenance }, context.actor)
    },
    generate: ({ algorithm, label }, { actor }) => service.generate({ algorithm, label }, actor),
    bind: ({ item, ...target }, { actor }) => service.bind(item, target, actor),
    unbind: ({ binding }, { actor }) => service.unbind(binding, actor),
    retire: ({ id, reason }, { actor }) => service.retire(id, reason, actor),
    export: ({ id }) => service.export(id),
    async pinHostKey({ partner, connection, fingerprint, provenance, replace }, { actor, signal }) {
      const compared = fingerprint.trim()
      const report = await routes.test(partner, connection, () => undefined, signal)
      const presented = report.hostKey
      if (presented === null) {
        const failed = report.stages.find(({ error }) => error !== null)?.error
        throw new AppError('net.unreachable', `no host key was presented: ${failed?.message ?? 'the server did not get that far'}`)
      }
      if (presented.fingerprint !== compared)
        throw new AppError('sftp.host_key_changed', 'the server presents another key than the one that was compared; nothing was pinned', {
          details: { compared, presented: presented.fingerprint },
        })
      return service.pinPresented({ partner, connection: report.connection, key: readPublicKey(presented.publicKey), provenance, compared, replace }, actor)
    },
  }
}
