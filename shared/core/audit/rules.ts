/** The hash chain: what is hashed, and how the first bad record is found. Pure. */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AuditEvent, AuditVerdict } from '../../contract/audit.ts'

/** What the first record points back to. */
export const GENESIS = '0'.repeat(64)

export type UnsealedEvent = Omit<AuditEvent, 'hash'>

/** SHA-256 (hex) over the canonical JSON (RFC 8785) of every field but `hash`. */
export function hashOf(event: UnsealedEvent): string {
  const { seq, at, actor, trace, type, subject, data, prevHash } = event
  const text = canonicalize({ seq, at, actor, trace, type, subject, data, prevHash })
  if (text === undefined) throw new TypeError('an audit event must be plain JSON')
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

export type FirstBad = NonNullable<AuditVerdict['firstBad']>

/** The state of a walk along the chain. */
export interface ChainWalk {
  /** Feeds the next record in order of `seq`; answers the first problem, or null. */
  next(event: AuditEvent): FirstBad | null
  readonly checked: number
  readonly head: string
}

/** `seqOfHash` answers which record bears a hash, to tell a moved record from an inserted one. */
export function walkChain(seqOfHash: (hash: string) => number | null): ChainWalk {
  let checked = 0
  let head = GENESIS
  return {
    get checked() {
      return checked
    },
    get head() {
      return head
    },
    next(event) {
      const bad = problemOf(event, { seq: checked + 1, prevHash: head }, seqOfHash)
      if (bad) return bad
      checked += 1
      head = event.hash
      return null
    },
  }
}

/** How far around its place a displaced record's own number is looked for. */
const SEARCH_DISTANCE = 10_000

/** The number under which a record's hash is right, or null when it is right under none nearby. */
function originalNumber(event: AuditEvent): number | null {
  for (let distance = 1; distance <= SEARCH_DISTANCE; distance++)
    for (const seq of [event.seq - distance, event.seq + distance]) if (seq > 0 && hashOf({ ...event, seq }) === event.hash) return seq
  return null
}

function problemOf(
  event: AuditEvent,
  expected: { readonly seq: number; readonly prevHash: string },
  seqOfHash: (hash: string) => number | null,
): FirstBad | null {
  if (event.seq > expected.seq)
    return { seq: expected.seq, problem: 'removed', explanation: `record ${expected.seq} is missing; the next one is ${event.seq}` }
  if (event.seq < expected.seq)
    return { seq: event.seq, problem: 'inserted', explanation: 'its number stands before the first number of the chain' }
  const intact = hashOf(event) === event.hash
  if (!intact) {
    const home = originalNumber(event)
    return home === null
      ? { seq: event.seq, problem: 'changed', explanation: 'its content does not match its own hash' }
      : { seq: event.seq, problem: 'reordered', explanation: `this record was written as number ${home}` }
  }
  if (event.prevHash === expected.prevHash) return null
  const follows = event.prevHash === GENESIS ? 0 : seqOfHash(event.prevHash)
  if (follows === null)
    return { seq: event.seq, problem: 'removed', explanation: 'the record that it was written after is no longer there' }
  if (follows < event.seq - 1)
    return { seq: event.seq - 1, problem: 'inserted', explanation: `record ${event.seq} was written right after record ${follows}, so what stands between was put in later` }
  return { seq: event.seq, problem: 'reordered', explanation: `it was written after record ${follows}, which stands behind it now` }
}
