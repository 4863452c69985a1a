import { z } from 'zod'
import { FlowDocument } from '../../contract/flow-document.ts'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import { lookIntoFolder } from './folder-look.ts'
import type { FlowService } from './service.ts'

export function flowHandlers(service: FlowService, resolveFile: ResolveFile): WaybillHandlers<CallContext>['flows'] {
  const done = {}
  return {
    list: (input) => service.list(input),
    show: ({ id }) => service.show(id),
    apply: async ({ document }, { actor }) => await service.apply(document, actor),
    check: async ({ document }) => await service.check(document),
    remove({ id }, { actor }) {
      service.remove(id, actor)
      return done
    },
    pause: ({ id, until, reason }, { actor }) => service.pause(id, until, reason, actor),
    resume: ({ id }, { actor }) => service.resume(id, actor),
    run: async ({ id, wait, files, target }, { actor }) => await service.run(id, { wait, target, files: files?.map(resolveFile) }, actor),
    dryRun: async ({ id, document }, { signal }) => await service.dryRun({ id, document }, signal),
    schedule: async ({ schedule }) => await service.schedule(schedule),
    lookFolder: async ({ path, patterns, except }) => await lookIntoFolder(path, { patterns: patterns.length === 0 ? ['*'] : patterns, except }),
    next: ({ id, count }) => service.next(id, count),
    runs: (input) => ({ runs: service.runs(input) }),
    showRun: ({ id }) => service.showRun(id),
    due: (input) => ({ due: service.due(input) }),
    decide: ({ flow, at, decision }, { actor }) => service.decide(flow, at, decision, actor),
    release({ flow, delivery, reason }, { actor }) {
      service.release(flow, delivery, reason, actor)
      return done
    },
    pauseAll({ until, reason }, { actor }) {
      service.pauseAll(until, reason, actor)
      return done
    },
    resumeAll(_, { actor }) {
      service.resumeAll(actor)
      return done
    },
    overview: () => service.overview(),
    power({ event }, { actor }) {
      service.power(event, actor)
      return done
    },
    schema: () => ({ schema: { ...z.toJSONSchema(FlowDocument, { target: 'draft-2020-12', io: 'input' }) } as Record<string, unknown> }),
  }
}
