import type { WaybillHandlers } from '../../contract/index.ts'
import type { Trace } from '../../contract/audit.ts'
import type { Attempt, Delivery } from '../../contract/deliveries.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import type { Anchors } from './anchors.ts'
import type { AuditRepository } from './repository.ts'
import { verifyChain, type AuditTrail } from './service.ts'

/** What the trail needs to know of the ledger to tell the life of a file. */
export interface DeliveryLookup {
  matching(query: string, limit: number): Delivery[]
  attempts(delivery: string): Attempt[]
}

const MOST_DELIVERIES = 100
const MOST_EVENTS = 5_000

export function auditHandlers(deps: {
  readonly repository: AuditRepository
  readonly trail: AuditTrail
  readonly anchors: Anchors
  readonly deliveries: DeliveryLookup
  readonly digest: (path: string, signal: AbortSignal) => Promise<string>
  readonly resolveFile: ResolveFile
  readonly clock: Clock
}): WaybillHandlers<CallContext>['audit'] {
  const { repository, trail, anchors, deliveries, digest, resolveFile, clock } = deps

  const traceOf = (query: string): Trace => {
    const found = deliveries.matching(query, MOST_DELIVERIES)
    return {
      query,
      deliveries: found.map((delivery) => ({ delivery, attempts: deliveries.attempts(delivery.id) })),
      events: repository.about(found.map(({ id }) => id), found.map(({ trace }) => trace), MOST_EVENTS),
    }
  }

  return {
    list: (input) => repository.list(input),
    async trace(input, context) {
      if (input.file !== undefined) return traceOf(await digest(resolveFile(input.file).path, context.signal))
      if (input.query === undefined || input.query === '') throw new AppError('input.invalid', 'query: give a file name, a SHA-256, a delivery id, or a file')
      return traceOf(input.query)
    },
    verify(_, context) {
      const verdict = verifyChain(repository, clock)
      trail.record({ actor: context.actor, type: 'audit.verified', subject: { kind: 'audit', id: 'chain' }, data: { ok: verdict.ok, checked: verdict.checked, head: verdict.head } })
      return verdict
    },
    anchor: async ({ file }, { actor }) => (file === undefined ? anchors.save(actor) : await anchors.writeTo(resolveFile(file).path, actor)),
    checkAnchor: ({ text }) => anchors.check(text),
  }
}
