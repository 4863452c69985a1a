import type { WaybillHandlers } from '../../contract/index.ts'
import type { FileSource } from '../../contract/common.ts'
import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import type { Collect } from './inbound/collect.ts'
import type { DeliveryService, SendRequest } from './service.ts'

interface WireSendRequest {
  readonly partner: string
  readonly connection?: string | undefined
  readonly files: readonly { readonly source: FileSource; readonly as?: string | undefined }[]
}

function requestOf(input: WireSendRequest, resolveFile: ResolveFile): SendRequest {
  return {
    partner: input.partner,
    connection: input.connection,
    files: input.files.map((file) => ({ ...resolveFile(file.source), as: file.as })),
  }
}

export function deliveryHandlers(service: DeliveryService, collect: Collect, resolveFile: ResolveFile): WaybillHandlers<CallContext>['deliveries'] {
  return {
    list: (input) => service.list(input),
    show: ({ id }) => service.show(id),
    preview: async (input, context) => ({ plans: await service.preview(requestOf(input, resolveFile), context.signal) }),
    send: async (input, context) => ({
      results: await service.send(requestOf(input, resolveFile), input.allowDuplicate, context.actor, context.signal),
    }),
    wait: async ({ ids }, { signal }) => ({ deliveries: await service.wait(ids, signal) }),
    retry: async ({ id }, { actor, signal }) => await service.retry(id, actor, signal),
    retryAll: async ({ limit, ...filter }, { actor, signal }) => await service.retryAll(filter, limit, actor, signal),
    receive: async ({ partner, connection }, { actor, signal }) => await collect({ partner, connection }, actor, signal),
    resolve: ({ id, outcome, reason }, { actor }) => service.resolve(id, outcome, reason, actor),
    cancel: async ({ id }, { actor }) => await service.cancel(id, actor),
    counts: () => service.counts(),
  }
}
