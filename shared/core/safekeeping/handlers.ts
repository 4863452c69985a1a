import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import type { SafekeepingService } from './service.ts'

export function safekeepingHandlers(service: SafekeepingService, resolveFile: ResolveFile): WaybillHandlers<CallContext>['safekeeping'] {
  return {
    state: () => service.state(),
    configure: async (change, { actor }) => await service.configure(change, actor),
    backUp: async ({ file }, { actor, signal }) => await service.backUp(file === undefined ? undefined : resolveFile(file).path, actor, signal),
  }
}
