import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext } from '../kernel/call-context.ts'
import { AppError } from '../kernel/errors.ts'
import type { Receiver } from './receiver.ts'
import type { MessageViews } from './view.ts'

export function as2Handlers({ receiver, views }: { readonly receiver: Receiver; readonly views: MessageViews }): WaybillHandlers<CallContext>['as2'] {
  return {
    receiver: () => receiver.status(),
    configureReceiver: async (change, { actor }) => await receiver.configure(change, actor),
    startReceiver: async ({ settings }, { actor }) => await receiver.start(actor, settings),
    stopReceiver: async (_, { actor }) => await receiver.stop(actor),
    message: (ref) => ({ message: views.message(ref) }),
    inbound: (query) => views.inbound(query),
    async exportRaw({ of, what, path }, { actor, signal }) {
      // A browser window has no business with paths of this computer.
      if (actor.kind === 'window' && path !== undefined) throw new AppError('call.refused', 'a window does not choose where raw messages are written')
      return await views.exportRaw(of, what, path, signal)
    },
  }
}
