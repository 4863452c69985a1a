/**
 * The life of a delivery as a table: state × event → next state and what follows from it. Pure.
 * What is not in the table cannot happen; the tests walk every pair.
 */
import type { DeliveryState, Outcome } from '../../contract/deliveries.ts'
import type { ErrorCode } from '../../contract/errors/index.ts'

/**
 * As stored. `committing`: an outbound file gets its final name, or a message's bytes go out; it shows as `sending`. `releasing` is
 * the moment in which an inbound one gets its name in the Inbox: it shows as `received`.
 */
export type LedgerState = DeliveryState | 'committing' | 'releasing'

/** Of outbound deliveries; `inbound/rules.ts` has the other table. */
export const OUTBOUND_STATES = ['queued', 'sending', 'committing', 'waiting', 'awaiting-receipt', 'disputed', 'unknown', 'delivered', 'failed', 'cancelled'] as const satisfies readonly LedgerState[]
export type OutboundState = (typeof OUTBOUND_STATES)[number]

export const EVENTS = [
  'started',
  'committing',
  'confirmed',
  'accepted',
  'disputed',
  'not-taken',
  'receipt-overdue',
  'probe-absent',
  'failed-for-now',
  'failed-for-good',
  'became-unknown',
  'interrupted',
  'postponed',
  'cancelled',
  'requeued',
  'resolved-delivered',
  'resolved-not-delivered',
] as const
export type OutboundEvent = (typeof EVENTS)[number]

/** What follows from an event besides the new state. */
export interface Step {
  readonly to: LedgerState
  /** Type of the audit event written in the same transaction. */
  readonly audit: string
  /** From here on the file may stand at the partner under its final name; false: a probe or the operator says that it does not. */
  readonly maybeArrived?: boolean
  /** Worth a notification. */
  readonly attention?: true
}

const started: Step = { to: 'sending', audit: 'delivery.attempt_started' }
const confirmed: Step = { to: 'delivered', audit: 'delivery.delivered' }
const requeued: Step = { to: 'queued', audit: 'delivery.requeued' }
const cancelled: Step = { to: 'cancelled', audit: 'delivery.cancelled' }
const failedForNow: Step = { to: 'waiting', audit: 'delivery.attempt_failed' }
const failedForGood: Step = { to: 'failed', audit: 'delivery.failed', attention: true }
const becameUnknown: Step = { to: 'unknown', audit: 'delivery.outcome_unknown', attention: true }
/** Not tried: there is no network, or the connection is left alone. No try is lost. */
const postponed: Step = { to: 'waiting', audit: 'delivery.postponed' }
const disputed: Step = { to: 'disputed', audit: 'delivery.disputed', maybeArrived: true, attention: true }
const refusedByPartner: Step = { ...failedForGood, maybeArrived: false }
const resolvedDelivered: Step = { to: 'delivered', audit: 'delivery.resolved' }
const resolvedNotDelivered: Step = { to: 'failed', audit: 'delivery.resolved', maybeArrived: false }

/** What a receipt decides whenever it comes: also before the answer to the post that it belongs to, or long after we gave up. */
const byReceipt = { confirmed, disputed, 'failed-for-good': refusedByPartner }

/** The table. */
export const TRANSITIONS: Readonly<Record<OutboundState, Readonly<Partial<Record<OutboundEvent, Step>>>>> = {
  queued: { started, postponed, cancelled, requeued, 'failed-for-good': failedForGood, confirmed, disputed },
  sending: {
    committing: { to: 'committing', audit: 'delivery.committing', maybeArrived: true },
    confirmed,
    'probe-absent': { to: 'sending', audit: 'delivery.probed_absent', maybeArrived: false },
    'failed-for-now': failedForNow,
    'failed-for-good': failedForGood,
    'became-unknown': becameUnknown,
    interrupted: { to: 'waiting', audit: 'delivery.interrupted' },
    cancelled,
    disputed,
  },
  committing: {
    ...byReceipt,
    accepted: { to: 'awaiting-receipt', audit: 'delivery.accepted', maybeArrived: true },
    'not-taken': { ...failedForNow, maybeArrived: false },
    'became-unknown': becameUnknown,
    interrupted: { to: 'unknown', audit: 'delivery.interrupted' },
  },
  waiting: { started, postponed, cancelled, requeued, 'failed-for-good': failedForGood, confirmed, disputed },
  'awaiting-receipt': {
    ...byReceipt,
    'not-taken': { ...failedForNow, maybeArrived: false },
    'receipt-overdue': { to: 'awaiting-receipt', audit: 'delivery.receipt_overdue', attention: true },
    'became-unknown': becameUnknown,
    'resolved-delivered': resolvedDelivered,
    'resolved-not-delivered': resolvedNotDelivered,
  },
  disputed: { confirmed, 'resolved-delivered': resolvedDelivered, 'resolved-not-delivered': resolvedNotDelivered },
  unknown: {
    ...byReceipt,
    started,
    postponed: { ...postponed, to: 'unknown' },
    requeued,
    'resolved-delivered': resolvedDelivered,
    'resolved-not-delivered': resolvedNotDelivered,
  },
  delivered: {},
  failed: { requeued, confirmed },
  cancelled: { requeued },
}

/** The step for an event, or null when it cannot happen in that state. */
export function stepFor(state: LedgerState, event: OutboundEvent): Step | null {
  return isOutbound(state) ? (TRANSITIONS[state][event] ?? null) : null
}

function isOutbound(state: LedgerState): state is OutboundState {
  return (OUTBOUND_STATES as readonly LedgerState[]).includes(state)
}

/** As the contract shows it. */
export function shownState(state: LedgerState): DeliveryState {
  if (state === 'releasing') return 'received'
  return state === 'committing' ? 'sending' : state
}

/** What is decided about a delivery in a state. `maybeArrived` keeps a queued or waiting one undecided. */
export function outcomeOf(state: LedgerState, maybeArrived: boolean): Outcome | null {
  if (state === 'delivered') return 'delivered'
  if (state === 'awaiting-receipt') return null
  if (state === 'unknown' || state === 'disputed' || maybeArrived) return 'unknown'
  if (state === 'failed' || state === 'cancelled') return 'not-delivered'
  return null
}

/** How often a file protocol is tried, the first time included. */
export const MAX_TRIES = 6
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 30 * 60_000
const JITTER = 0.2

/**
 * Pause after the n-th failed try (1-based): exponential from 30 s to 30 min, ±20 % so that many machines do not come back
 * at the same moment. Null when the tries are used up. `random` is in [0, 1).
 */
export function pauseAfter(failedTries: number, random: number): number | null {
  if (failedTries >= MAX_TRIES) return null
  const growth = (LONGEST_PAUSE_MS / FIRST_PAUSE_MS) ** ((failedTries - 1) / (MAX_TRIES - 2))
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * growth)
  return Math.round(pause * (1 - JITTER + 2 * JITTER * random))
}

/**
 * Pause before the next try: by the number of tries, or as long as a window of so many milliseconds is open. The last try is at
 * the end of the window.
 */
export function nextPause(failedTries: number, random: number, windowLeft: number | null): number | null {
  if (windowLeft === null) return pauseAfter(failedTries, random)
  if (windowLeft <= 0) return null
  return Math.min(windowLeft, pauseAfter(Math.min(failedTries, MAX_TRIES - 1), random) ?? LONGEST_PAUSE_MS)
}

/**
 * After the final name was asked for, only these answers prove that it was not given; anything else leaves the outcome unknown.
 */
const DEFINITE_AFTER_COMMIT: readonly ErrorCode[] = ['remote.name_taken', 'remote.permission_denied', 'remote.name_refused', 'remote.verification_failed']

export function isDefiniteAfterCommit(code: ErrorCode): boolean {
  return DEFINITE_AFTER_COMMIT.includes(code)
}

/** The name under which a file travels until it is whole. One per delivery, so that a later attempt finds it again. */
export function temporaryName(deliveryId: string): string {
  return `.${deliveryId}.part`
}

const MAX_NAME_BYTES = 255

/** Why a remote name cannot be used, or null. Names are one path segment; what the server thinks of it shows later. */
export function problemOfName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'it is empty or stands for a folder'
  if (/[/\\]/.test(name)) return 'it contains a slash'
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'it contains a control character'
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`
  return null
}

/** Whether the partner's list of endings permits a name; no list permits all. */
export function extensionPermitted(name: string, permitted: readonly string[] | undefined): boolean {
  if (permitted === undefined) return true
  const lower = name.toLowerCase()
  return permitted.some((ending) => lower.endsWith(ending.toLowerCase()))
}
