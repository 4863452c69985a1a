import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { PolicyService } from './service.ts'

export function policyHandlers(service: PolicyService): WaybillHandlers<CallContext>['policy'] {
  return {
    show: ({ partner }) => service.show(partner),
    state: () => ({ hardened: service.hardened() }),
    review: ({ partner }) => service.review(partner),
    recordReview: (request, { actor }) => service.recordReview(request, actor),
    lock: () => service.lock(),
    diff: () => service.diff(),
    approve: (request, { actor }) => service.approve(request, actor),
    setHardened: ({ on }, { actor }) => service.setHardened(on, actor),
  }
}
