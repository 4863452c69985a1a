import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { BackgroundService } from './service.ts'

export function backgroundHandlers(service: BackgroundService): WaybillHandlers<CallContext>['background'] {
  return {
    async status() {
      await service.disk.look()
      return service.status()
    },
    tellNetwork: (told) => service.tellNetwork(told),
    tryAgain: ({ partner, connection }, { actor }) => service.tryAgain(partner, connection, actor),
  }
}
