import { z } from 'zod'
import { ExpectationDocument } from '../../contract/expectations.ts'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { ExpectationService } from './service.ts'
import { verifyStatement } from './statement.ts'

export function expectationHandlers(service: ExpectationService): WaybillHandlers<CallContext>['expectations'] {
  return {
    list: (query) => service.list(query),
    show: ({ id }) => service.show(id),
    check: async ({ document }) => await service.check(document),
    apply: async ({ document }, { actor }) => await service.apply(document, actor),
    remove({ id }, { actor }) {
      service.remove(id, actor)
      return {}
    },
    cases: (query) => ({ cases: service.cases(query) }),
    statement: ({ id, due }, { actor }) => service.statement(id, due, actor),
    verifyStatement: ({ text }) => verifyStatement(text),
    schema: () => ({ schema: { ...z.toJSONSchema(ExpectationDocument, { target: 'draft-2020-12', io: 'input' }) } as Record<string, unknown> }),
  }
}
