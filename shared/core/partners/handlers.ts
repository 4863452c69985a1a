import type { WaybillHandlers } from '../../contract/index.ts'
import type { TestStage } from '../../contract/partners.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { Publisher } from '../kernel/events.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Routes } from './routes.ts'
import { publishedSchema } from './schema.ts'
import type { PartnerService } from './service.ts'

/** What the test found out about the boundary, so that posture can tell it later. */
function boundaryOf(stages: readonly TestStage[]): { boundary?: Record<string, string> } {
  const evidence = stages.find(({ name }) => name === 'boundary')?.evidence ?? []
  return evidence.length === 0 ? {} : { boundary: Object.fromEntries(evidence.map(({ label, value }) => [label, value])) }
}

export function partnerHandlers(deps: {
  readonly service: PartnerService
  readonly routes: Routes
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
}): WaybillHandlers<CallContext>['partners'] {
  const { service, routes, audit, publisher, clock } = deps
  return {
    list: (input) => service.list(input),
    show: ({ id }) => service.show(id),
    apply: ({ document }, { actor }) => service.apply(document, actor),
    suspend: ({ id, reason }, { actor }) => service.setSuspended(id, true, reason, actor),
    resume: ({ id }, { actor }) => service.setSuspended(id, false, undefined, actor),
    remove: ({ id }, { actor }) => {
      service.remove(id, actor)
      return {}
    },
    schema: ({ of }) => ({ schema: publishedSchema(of) }),
    async test({ partner, connection, testId }, { actor, signal }) {
      const at = timestamp(clock.now())
      const result = await routes.test(
        partner,
        connection,
        (stage) => {
          if (testId !== undefined) publisher.publish('partners.testProgress', { testId, stage })
        },
        signal,
      )
      const ok = result.stages.every(({ status }) => status === 'ok')
      audit.record({
        actor,
        type: 'connection.tested',
        subject: { kind: 'connection', id: `${partner}/${result.connection}` },
        partner,
        data: { ok, stages: result.stages.map(({ name, status, error }) => ({ name, status, ...(error === null ? {} : { code: error.code }) })), ...boundaryOf(result.stages), presented: result.hostKey?.fingerprint ?? result.certificate?.fingerprint ?? null },
      })
      return { partner, connection: result.connection, ok, at, stages: [...result.stages], hostKey: result.hostKey, certificate: result.certificate, observed: { ...result.observed } }
    },
  }
}
