import type { WaybillHandlers } from '../../contract/index.ts'
import type { PostureRule } from '../../contract/posture.ts'
import type { CallContext } from '../kernel/call-context.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { exportOf } from './export.ts'
import type { Rule } from './rule.ts'
import type { PostureService } from './service.ts'

export function postureHandlers({ service, rules, clock, version }: { readonly service: PostureService; readonly rules: readonly Rule[]; readonly clock: Clock; readonly version: string }): WaybillHandlers<CallContext>['posture'] {
  const shown = rules.map(({ code, domain, scope, severity, title, rationale, sources }): PostureRule => ({ code, domain, scope, severity, title, rationale, sources: [...sources] }))
  return {
    list: (query) => service.list(query),
    async evaluate({ partner }, { actor }) {
      const result = await service.evaluateAll('asked', actor)
      if (partner === undefined) return result
      const mine = (one: { readonly partner: string | null }): boolean => one.partner === partner
      return { ...result, counts: service.list({ partner, limit: 1 }).counts, appeared: result.appeared.filter(mine), resolved: result.resolved.filter(mine) }
    },
    history: (query) => service.history(query),
    compare: ({ at }) => service.compare(at),
    approve: ({ by, reason }, { actor }) => service.approve(by, reason, actor),
    suppress: (request, { actor }) => ({ findings: service.suppress(request, actor) }),
    unsuppress: ({ code, subject }, { actor }) => ({ findings: service.unsuppress(code, subject, actor) }),
    rules: () => ({ rules: shown }),
    export: ({ format, ...query }) => exportOf(service.select(query), shown, format, { at: timestamp(clock.now()), version }),
  }
}
