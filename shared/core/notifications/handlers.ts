import { z } from 'zod'
import type { WaybillHandlers } from '../../contract/index.ts'
import { NotificationSettings } from '../../contract/notifications.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { NotificationService } from './service.ts'

export function notificationHandlers(service: NotificationService): WaybillHandlers<CallContext>['notifications'] {
  return {
    settings: () => service.settings(),
    apply: ({ settings }, { actor }) => service.apply(settings, actor),
    test: async ({ channel }, { actor }) => await service.test(channel, actor),
    outbox: ({ limit }) => ({ entries: service.list(limit) }),
    notices: ({ limit }) => ({ notices: service.notices(limit) }),
    schema: () => ({ schema: { ...z.toJSONSchema(NotificationSettings, { target: 'draft-2020-12', io: 'input' }) } as Record<string, unknown> }),
  }
}
