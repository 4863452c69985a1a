import type { WaybillHandlers } from '../../contract/index.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import { PolicyChange } from '../../contract/policy-document.ts'
import type { Exception } from '../../contract/policy.ts'
import type { Actor } from '../kernel/actor.ts'
import type { CallContext } from '../kernel/call-context.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { parseDocument } from '../partners/rules.ts'
import type { PolicyService } from './service.ts'

/** What of a partner's document the policy's own calls change. */
export interface PartnerDocuments {
  /** As it is shown, sealed secrets included. */
  show(partner: string): PartnerDocument
  apply(document: PartnerDocument, actor: Actor): { readonly changed: boolean }
}

export function policyHandlers({ service, partners, clock }: { readonly service: PolicyService; readonly partners: PartnerDocuments; readonly clock: Clock }): WaybillHandlers<CallContext>['policy'] {
  const sameDoor = (left: Pick<Exception, 'allow' | 'connection'>, right: Pick<Exception, 'allow' | 'connection'>): boolean => left.allow === right.allow && left.connection === right.connection

  return {
    show: ({ partner }) => service.show(partner),
    everyone: () => service.everyone(),
    apply({ partner, document }, { actor }) {
      if (partner === undefined) {
        const { changed } = service.apply(document, actor)
        return { ...service.everyone(), changed }
      }
      const { $schema: _, ...policy } = parseDocument(PolicyChange, document)
      const { policy: before, ...rest } = partners.show(partner)
      const empty = Object.keys(policy).length === 0
      const { changed } = JSON.stringify(before ?? {}) === JSON.stringify(policy) ? { changed: false } : partners.apply(empty ? rest : { ...rest, policy }, actor)
      const { document: now, effective } = service.show(partner)
      return { document: now, effective, changed }
    },
    addException({ partner, exception }, { actor }) {
      if (exception.until < timestamp(clock.now()).slice(0, 10)) throw new AppError('input.invalid', `until: ${exception.until} is over`, { details: { until: 'is over' } })
      const document = partners.show(partner)
      // A new term takes the place of the old one: two ends for one door would be a riddle.
      partners.apply({ ...document, exceptions: [...document.exceptions.filter((other) => !sameDoor(other, exception)), exception] }, actor)
      return { exceptions: service.exceptionsOf(partners.show(partner)) }
    },
    endException({ partner, ...door }, { actor }) {
      const document = partners.show(partner)
      const exceptions = document.exceptions.filter((other) => !sameDoor(other, door))
      const ended = document.exceptions.length - exceptions.length
      if (ended === 0) throw new AppError('input.not_found', `${partner} has no exception ${door.allow}${door.connection === undefined ? '' : ` on ${door.connection}`}`)
      partners.apply({ ...document, exceptions }, actor)
      return { exceptions: service.exceptionsOf(partners.show(partner)), ended }
    },
    state: () => ({ hardened: service.hardened() }),
    review: ({ partner }) => service.review(partner),
    reviews: () => ({ reviews: service.reviews() }),
    recordReview: (request, { actor }) => service.recordReview(request, actor),
    lock: () => service.lock(),
    diff: () => service.diff(),
    approve: (request, { actor }) => service.approve(request, actor),
    setHardened: ({ on }, { actor }) => service.setHardened(on, actor),
  }
}
