/** What an evaluation does to the findings that are known: seen again, appeared, gone, come back. Pure. */
import type { Finding, FindingRef, PostureCounts, Suppression } from '../../contract/posture.ts'
import { DAY_MS } from './days.ts'
import type { Found } from './evaluate.ts'

export interface StateChange {
  /** Findings to write. Those of which only the time changed are told apart: they are many. */
  readonly written: readonly Finding[]
  readonly seenAgain: readonly string[]
  readonly appeared: readonly Finding[]
  readonly resolved: readonly Finding[]
}

export const isOpen = ({ state }: Pick<Finding, 'state'>): boolean => state === 'open' || state === 'reappeared'

/** A suppression holds up to the end of its last day (UTC). */
export function holds({ until }: Pick<Suppression, 'until'>, now: number): boolean {
  return now < Date.parse(`${until}T00:00:00.000Z`) + DAY_MS
}

/** `known`: every finding in the range of the evaluation, resolved ones too. */
export function nextStates(known: ReadonlyMap<string, Finding>, found: readonly Found[], suppressionOf: (found: Found) => Suppression | null, at: string): StateChange {
  const written: Finding[] = []
  const seenAgain: string[] = []
  const appeared: Finding[] = []
  const resolved: Finding[] = []
  const present = new Set<string>()
  for (const one of found) {
    present.add(one.id)
    const before = known.get(one.id)
    const suppression = suppressionOf(one)
    const after = stateOf(one, before, suppression, at)
    const isNew = before === undefined || (before.state === 'resolved' && after.state !== 'suppressed') || (before.state === 'suppressed' && after.state !== 'suppressed')
    if (isNew && after.state !== 'suppressed') appeared.push(after)
    if (before !== undefined && sameText(before, after)) seenAgain.push(one.id)
    else written.push(after)
  }
  for (const before of known.values()) {
    if (present.has(before.id) || before.state === 'resolved') continue
    const after: Finding = { ...before, state: 'resolved', resolvedAt: at, suppression: null }
    written.push(after)
    if (isOpen(before)) resolved.push(after)
  }
  return { written, seenAgain, appeared, resolved }
}

function stateOf(found: Found, before: Finding | undefined, suppression: Suppression | null, at: string): Finding {
  const cameBack = before?.state === 'resolved'
  const reappeared = (before?.reappeared ?? 0) + (cameBack ? 1 : 0)
  const open = cameBack || (before !== undefined && reappeared > 0) ? 'reappeared' : 'open'
  return { ...found, firstSeen: before?.firstSeen ?? at, lastSeen: at, resolvedAt: null, reappeared, state: suppression === null ? open : 'suppressed', suppression }
}

function sameText(before: Finding, after: Finding): boolean {
  return JSON.stringify({ ...after, lastSeen: before.lastSeen, firstSeen: before.firstSeen }) === JSON.stringify({ ...before })
}

export function countsOf(findings: readonly Pick<Finding, 'state' | 'severity'>[]): PostureCounts {
  const counts = { error: 0, warning: 0, info: 0, suppressed: 0 }
  for (const finding of findings) {
    if (isOpen(finding)) counts[finding.severity] += 1
    else if (finding.state === 'suppressed') counts.suppressed += 1
  }
  return counts
}

export const refOf = ({ id, code, severity, subject, partner, message }: Finding): FindingRef => ({ id, code, severity, subject: subject.id, partner, message })

/** What was open at a time: today's open ones, with each later snapshot taken back. `later`: newest first. */
export function openAt(open: readonly FindingRef[], later: readonly { readonly appeared: readonly FindingRef[]; readonly resolved: readonly FindingRef[] }[]): Map<string, FindingRef> {
  const then = new Map(open.map((one) => [one.id, one]))
  for (const { appeared, resolved } of later) {
    for (const { id } of appeared) then.delete(id)
    for (const one of resolved) then.set(one.id, one)
  }
  return then
}
