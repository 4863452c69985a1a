/** The posture domain, put together. */
import type { WaybillHandlers } from '../../contract/index.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { Clock } from '../kernel/clock.ts'
import type { EventBus } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { Database } from '../store/database.ts'
import { createCollector, type FactSources } from './collect.ts'
import { postureHandlers } from './handlers.ts'
import { createPostureRepository } from './repository.ts'
import { RULES } from './rules/index.ts'
import { createPostureService, type PostureService } from './service.ts'
import { createPostureWatch, type PostureWatch } from './watch.ts'

export interface Posture {
  readonly service: PostureService
  readonly watch: PostureWatch
  readonly handlers: WaybillHandlers<CallContext>['posture']
}

export function createPosture(deps: { readonly database: Database; readonly sources: FactSources; readonly audit: AuditTrail; readonly bus: EventBus; readonly raise: RaiseNotice; readonly clock: Clock; readonly logger: Logger; readonly version: string; readonly approve: Parameters<typeof createPostureService>[0]['approval']['approve'] }): Posture {
  const { database, sources, audit, bus, raise, clock, logger, version } = deps
  const repository = createPostureRepository(database)
  const collector = createCollector({ sources, repository, database, clock })
  const service = createPostureService({ rules: RULES, collector, repository, database, audit, publisher: bus, raise, approval: { facts: sources.approval, approve: deps.approve }, clock })
  return { service, watch: createPostureWatch({ service, bus, clock, logger }), handlers: postureHandlers({ service, rules: RULES, clock, version }) }
}
