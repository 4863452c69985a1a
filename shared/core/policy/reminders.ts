/** Says in time that an exception or the time between two reviews is about to end. What was said is kept. */
import type { PartnerDocument } from '../../contract/partner-document.ts'
import { TOLERATED } from '../../contract/policy.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import { exceptionStates } from '../partners/rules.ts'
import type { PolicyRepository } from './repository.ts'

const DAY_MS = 86_400_000
/** Days before the end; after it once more, and a review weekly. */
const EXCEPTION_DAYS = [14, 7, 3, 1]
const REVIEW_DAYS = [30, 7, 1]

/** The newest step that is reached: "at most", not "equal", so that a computer that was off says it when it is on again. */
export function reminderStep(daysLeft: number, days: readonly number[], overdue: 'once' | 'weekly'): string | null {
  if (daysLeft <= 0) return overdue === 'once' ? 'ended' : `overdue ${Math.floor(-daysLeft / 7)}`
  const reached = days.toSorted((left, right) => left - right).find((step) => daysLeft <= step)
  return reached === undefined ? null : String(reached)
}

/** Answers how many notices were raised. */
export function createReminders(deps: { readonly repository: PolicyRepository; readonly partners: () => readonly PartnerDocument[]; readonly raise: RaiseNotice; readonly clock: Clock }): () => number {
  const { repository, raise, clock } = deps

  const say = (about: string, step: string | null, partner: string, text: { readonly title: string; readonly body: string }): number => {
    if (step === null || !repository.noteReminder(about, step, timestamp(clock.now()))) return 0
    raise({ severity: 'attention', ...text, subject: { kind: 'partner', id: partner } })
    return 1
  }

  const exceptionsOf = (partner: PartnerDocument): number =>
    exceptionStates(partner, clock.now()).reduce((said, { allow, connection, until, owner, active, daysLeft }) => {
      const when = !active ? 'has ended' : daysLeft === 1 ? 'ends today' : `ends in ${daysLeft} days`
      const body = active
        ? `"${TOLERATED[allow]}" is tolerated until ${until}; afterwards it is refused. ${owner} answers for it.`
        : `"${TOLERATED[allow]}" was tolerated until ${until} and is refused now. ${owner} answers for it.`
      return said + say(`exception ${partner.id} ${allow} ${connection ?? ''} ${until}`, reminderStep(active ? daysLeft : 0, EXCEPTION_DAYS, 'once'), partner.id, { title: `An exception for ${partner.name} ${when}`, body })
    }, 0)

  const reviewOf = (partner: PartnerDocument, due: string | undefined): number => {
    // Who never began with reviews is not reminded of them.
    if (due === undefined) return 0
    const daysLeft = Math.ceil((Date.parse(`${due}T00:00:00.000Z`) + DAY_MS - clock.now()) / DAY_MS)
    return say(`review ${partner.id} ${due}`, reminderStep(daysLeft, REVIEW_DAYS, 'weekly'), partner.id, {
      title: daysLeft <= 0 ? `The review of ${partner.name} is overdue` : `The review of ${partner.name} is due on ${due}`,
      body: 'Look at each role: what the policy asks, what is bound, and what traffic showed; then note the review.',
    })
  }

  return () => {
    const dues = new Map(repository.lastReviews().map(({ partner, due }) => [partner, due]))
    return deps.partners().reduce((said, partner) => said + exceptionsOf(partner) + reviewOf(partner, dues.get(partner.id)), 0)
  }
}
