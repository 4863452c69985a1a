/** When files of an expectation count, and what its case has come to. Pure. */
import type { CaseState, ExpectationDocument, ExpectedFile } from '../../contract/expectations.ts'
import { createMatcher } from '../deliveries/inbound/selection.ts'
import { dateText, wallOf } from '../schedules/zones.ts'

const MINUTE_MS = 60_000

/** The times of one case, milliseconds. */
export interface CaseTimes {
  readonly due: number
  /** Files count after this … */
  readonly from: number
  /** … and until this in time … */
  readonly deadline: number
  /** … and until this as late ones: where the next case begins. */
  readonly until: number
}

/** `before` and `next`: the due times around it; null where there is none. No file counts for two cases. */
export function caseTimes({ earlyMinutes, graceMinutes }: Pick<ExpectationDocument, 'earlyMinutes' | 'graceMinutes'>, due: number, before: number | null, next: number | null): CaseTimes {
  const deadlineOf = (at: number, following: number | null): number => Math.min(at + graceMinutes * MINUTE_MS, following ?? Infinity)
  const fromOf = (at: number, previous: number | null): number => Math.max(at - earlyMinutes * MINUTE_MS, previous === null ? 0 : deadlineOf(previous, at))
  const deadline = deadlineOf(due, next)
  return { due, from: fromOf(due, before), deadline, until: next === null ? deadline + earlyMinutes * MINUTE_MS : Math.max(deadline, fromOf(next, due)) }
}

/** A file of the partner as the ledger has it. */
export interface Arrival {
  readonly delivery: string
  readonly name: string
  readonly size: number
  /** When it was here, or there; milliseconds. */
  readonly at: number
  /** Received, but kept back for a person's decision. */
  readonly held: boolean
}

/** Whether a name is meant at all. */
export function isMeant({ files, except }: Pick<ExpectationDocument, 'files' | 'except'>): (name: string) => boolean {
  const wanted = createMatcher(files)
  const unwanted = createMatcher(except)
  return (name) => wanted(name) && !unwanted(name)
}

/** The patterns of right names on a due day. */
export function rightNames({ names, by }: Pick<ExpectationDocument, 'names' | 'by'>, due: number): string[] {
  const day = dateText(wallOf(by.zone, due))
  return names.map((pattern) => pattern.replaceAll('{day}', day).replaceAll('{date}', day.replaceAll('-', '')))
}

export interface Judged {
  readonly state: CaseState
  readonly reason: string
  readonly files: readonly ExpectedFile[]
}

const filesText = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`

/** What a case has come to at `now`. `arrivals` are those of its partner between `from` and `until`. */
export function judgeCase(document: ExpectationDocument, times: CaseTimes, arrivals: readonly Arrival[], now: number): Judged {
  const meant = isMeant(document)
  const patterns = rightNames(document, times.due)
  const isRight = patterns.length === 0 ? (): boolean => true : createMatcher(patterns)
  const { count, size, direction } = document
  const problemOf = (file: Arrival): string | null => {
    if (!isRight(file.name)) return `its name should be like ${patterns.join(' or ')}`
    if (size.atLeast !== undefined && file.size < size.atLeast) return `it has ${file.size} bytes; at least ${size.atLeast} were agreed`
    if (size.atMost !== undefined && file.size > size.atMost) return `it has ${file.size} bytes; at most ${size.atMost} were agreed`
    return file.held ? 'it is held and waits for a decision' : null
  }
  const inCase = arrivals.filter(({ at, name }) => at > times.from && at <= times.until && meant(name)).toSorted((left, right) => left.at - right.at)
  const files = inCase.map((file): ExpectedFile => ({ delivery: file.delivery, name: file.name, size: file.size, at: new Date(file.at).toISOString(), problem: problemOf(file) }))
  const right = inCase.filter((_, index) => files[index]?.problem === null)
  const bad = files.filter(({ problem }) => problem !== null)
  const judged = (state: CaseState, reason: string): Judged => ({ state, reason, files })
  const verb = direction === 'inbound' ? 'came' : 'left'

  if (count.atMost !== undefined && right.length > count.atMost) return judged('wrong', `${filesText(right.length)} ${verb}; at most ${count.atMost} were agreed`)
  const complete = right[count.atLeast - 1]
  if (complete !== undefined) return complete.at <= times.deadline ? judged('met', `${filesText(right.length)} ${verb} in time`) : judged('late', `complete ${Math.ceil((complete.at - times.due) / MINUTE_MS)} min after the agreed time`)
  const [first] = bad
  if (first !== undefined) return judged('wrong', `${first.name}: ${first.problem ?? ''}${bad.length === 1 ? '' : `, and ${bad.length - 1} more`}`)
  const soFar = count.atLeast === 1 ? `nothing ${verb}` : `${right.length} of ${filesText(count.atLeast)} ${verb}`
  return now > times.deadline ? judged('missing', soFar) : judged('waiting', `${soFar} yet`)
}

/** Whether somebody is told about a change of state, and how. */
export function newsOf(before: CaseState, after: CaseState): 'trouble' | 'recovery' | null {
  const isTrouble = (state: CaseState): boolean => state === 'missing' || state === 'wrong'
  if (before === after) return null
  if (isTrouble(after)) return 'trouble'
  return isTrouble(before) && after !== 'waiting' ? 'recovery' : null
}
