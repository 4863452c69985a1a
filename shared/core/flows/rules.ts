/** What a flow does with a file, and what a run came to. Pure. */
import type { Delivery } from '../../contract/deliveries.ts'
import { textOf, type WireError } from '../../contract/errors/index.ts'
import type { FlowDocument, OutboundFlow, OutboundStep, ProtectStep, ZipStep } from '../../contract/flow-document.ts'
import type { RunCounts, RunOutcome } from '../../contract/flows.ts'
import type { Schedule } from '../../contract/schedules.ts'

/** A file as it stands in the source. */
export interface StandingFile {
  readonly path: string
  readonly name: string
  readonly size: number
  /** Milliseconds. */
  readonly modified: number
}

export function splitTarget(target: string): { readonly partner: string; readonly connection: string | undefined } {
  const [partner = '', connection] = target.split('/')
  return { partner, connection }
}

const PLACEHOLDER = /\{([a-z]+)\}/g
const OF_A_FILE = ['name', 'stem', 'ext']
const KNOWN = [...OF_A_FILE, 'date', 'time', 'flow', 'partner']
const ZIP_NAMES = { each: '{name}.zip', together: '{flow}_{date}_{time}.zip' } as const

/** Placeholders of a template that mean nothing; a ZIP file of many files has none of their names. */
export function unknownPlaceholders(step: OutboundStep): string[] {
  if (step.kind === 'protect') return []
  const known = step.kind === 'zip' && step.files === 'together' ? KNOWN.filter((name) => !OF_A_FILE.includes(name)) : KNOWN
  return [...(step.template ?? '').matchAll(PLACEHOLDER)].flatMap(([text, name]) => (name !== undefined && known.includes(name) ? [] : [text]))
}

export function protectStepOf({ steps }: Pick<OutboundFlow, 'steps'>): ProtectStep | null {
  return steps.find((step) => step.kind === 'protect') ?? null
}

export function zipStepOf({ steps }: Pick<OutboundFlow, 'steps'>): ZipStep | null {
  return steps.find((step) => step.kind === 'zip') ?? null
}

/** How a file is called on its way. */
export interface NamesThere {
  /** Inside the ZIP file; null where none is made. */
  readonly inside: string | null
  /** What travels, before the name that the last steps give it. */
  readonly name: string
  /** The name at the partner; undefined when no step changes it, so that protection may add its ending. */
  readonly as: string | undefined
  /** A step protects after the name was given: its ending is added to that. */
  readonly addEnding: boolean
}

/** The names after all steps, in their order: what stands before a ZIP step names the files inside, what follows names the archive. */
export function namesThere(flow: Pick<OutboundFlow, 'id' | 'steps'>, file: string, facts: { readonly now: number; readonly partner: string }): NamesThere {
  const stamp = new Date(facts.now).toISOString().replaceAll(/[-:]/g, '')
  const fill = (template: string, name: string): string => {
    const dot = name.lastIndexOf('.')
    const values: Record<string, string> = {
      name,
      stem: dot > 0 ? name.slice(0, dot) : name,
      ext: dot > 0 ? name.slice(dot) : '',
      date: stamp.slice(0, 8),
      time: stamp.slice(9, 15),
      flow: flow.id,
      partner: facts.partner,
    }
    return template.replaceAll(PLACEHOLDER, (_, key: string) => values[key] ?? '')
  }
  return flow.steps.reduce<NamesThere>(
    (before, step) => {
      const now = before.as ?? before.name
      switch (step.kind) {
        case 'zip':
          return { inside: now, name: fill(step.template ?? ZIP_NAMES[step.files], now), as: undefined, addEnding: false }
        case 'protect':
          return { ...before, addEnding: true }
        case 'rename':
          return { ...before, as: fill(step.template, now), addEnding: false }
      }
    },
    { inside: null, name: file, as: undefined, addEnding: false },
  )
}

/** Whether the rule looks at the content. */
export function needsContent({ key }: OutboundFlow['duplicates']): boolean {
  return key === 'content' || key === 'name-content'
}

/** What two files have in common when they are the same to a flow. */
export function duplicateKey({ key }: OutboundFlow['duplicates'], file: StandingFile, sha256: string): string {
  switch (key) {
    case 'content':
      return sha256
    case 'name':
      return file.name
    case 'name-size-time':
      return `${file.name}\n${file.size}\n${file.modified}`
    case 'name-content':
      return `${file.name}\n${sha256}`
  }
}

/** The reason under which the ledger takes a repeat that the flow's rule permits; undefined where ledger and rule agree. */
export function repeatReason(flow: OutboundFlow, file: StandingFile, target: string): string | undefined {
  // The ledger counts by partner; a flow that names two ways to the same one means both.
  const { partner } = splitTarget(target)
  if (flow.targets.some((other) => other !== target && splitTarget(other).partner === partner)) return `flow ${flow.id}: it goes to several connections of ${partner}`
  const { key, windowDays, emptyFiles } = flow.duplicates
  if (file.size === 0 && emptyFiles === 'send') return `flow ${flow.id}: empty files are sent each time`
  if (key === 'name-size-time') return `flow ${flow.id}: a file is the same only with the same name, size and time`
  if (windowDays !== undefined) return `flow ${flow.id}: a file counts as the same for ${windowDays} days`
  return undefined
}

/**
 * What becomes of a file of which a delivery exists already. `again` tries the same delivery again: a person asked (then also one
 * that waits for its next try), or its tries were used up for a reason that passes by itself; what was refused for trust or policy waits for a person.
 */
export function alreadyHandled(delivery: Pick<Delivery, 'state' | 'error'>, byPerson: boolean): 'duplicate' | 'under-way' | 'unknown' | 'needs-person' | 'again' {
  switch (delivery.state) {
    case 'delivered':
      return 'duplicate'
    case 'unknown':
    case 'disputed':
      return 'unknown'
    case 'failed':
      return byPerson || (delivery.error !== null && textOf(delivery.error).retry !== 'never') ? 'again' : 'needs-person'
    case 'cancelled':
      return byPerson ? 'again' : 'needs-person'
    case 'waiting':
      return byPerson ? 'again' : 'under-way'
    default:
      return 'under-way'
  }
}

/** Counts and outcome from what the run itself reports and the present state of its deliveries. */
export function judgeRun(
  report: { readonly found: number; readonly skipped: number; readonly errors: readonly WireError[] },
  deliveries: readonly Pick<Delivery, 'state'>[],
): { readonly counts: RunCounts; readonly outcome: Exclude<RunOutcome, 'running' | 'interrupted'> } {
  const having = (...states: readonly Delivery['state'][]): number => deliveries.filter(({ state }) => states.includes(state)).length
  const delivered = having('delivered')
  const look = having('unknown', 'disputed', 'held')
  const open = having('queued', 'sending', 'waiting', 'awaiting-receipt', 'received')
  const failed = having('failed', 'cancelled') + report.errors.length
  const counts: RunCounts = { found: report.found, deliveries: deliveries.length, delivered, failed, open: open + look, skipped: report.skipped }
  const outcome = (): Exclude<RunOutcome, 'running' | 'interrupted'> => {
    if (look > 0) return 'attention'
    if (open > 0) return 'retrying'
    if (failed > 0 && delivered > 0) return 'partly'
    if (failed > 0) return deliveries.length === 0 && report.errors.every((error) => textOf(error).exit === 4) ? 'refused' : 'failed'
    return delivered > 0 ? 'delivered' : 'nothing'
  }
  return { counts, outcome: outcome() }
}

/** Flows that a flow starts one after the other, when they come back to it; null when they end. */
export function circleOf(id: string, startedBy: ReadonlyMap<string, string>): readonly string[] | null {
  const path = [id]
  for (let at = startedBy.get(id); at !== undefined; at = startedBy.get(at)) {
    path.push(at)
    if (at === id) return path.toReversed()
    if (path.length > startedBy.size + 1) return null
  }
  return null
}

const DAY_WORDS = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' } as const
const ORDER = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

function daysText(days: readonly (keyof typeof DAY_WORDS)[] | undefined): string {
  if (days === undefined || new Set(days).size === 7) return 'every day'
  const sorted = ORDER.filter((day) => days.includes(day))
  const first = ORDER.indexOf(sorted[0] ?? 'mon')
  const run = sorted.every((day, index) => ORDER.indexOf(day) === first + index)
  return run && sorted.length > 2 ? `${DAY_WORDS[sorted[0] ?? 'mon']} to ${DAY_WORDS[sorted.at(-1) ?? 'mon']}` : sorted.map((day) => DAY_WORDS[day]).join(', ')
}

/** A schedule in words. */
export function scheduleText(schedule: Schedule): string {
  const zone = schedule.zone
  switch (schedule.kind) {
    case 'every': {
      const whole = schedule.from === '00:00' && schedule.until === '24:00'
      const every = schedule.minutes === 1 ? 'every minute' : `every ${schedule.minutes} minutes`
      return `${every}${whole ? '' : ` from ${schedule.from} to ${schedule.until}`}, ${daysText(schedule.days)}, ${zone}`
    }
    case 'at':
      return `${daysText(schedule.days)} at ${schedule.times.join(', ')}, ${zone}`
    case 'monthly':
      return `${typeof schedule.on === 'number' ? `day ${schedule.on}` : schedule.on.replace('-', ' ').replace('workday', 'working day')} of each month at ${schedule.times.join(', ')}, ${zone}`
    case 'cron':
      return `${schedule.expression}, ${zone}`
  }
}

/** When a flow runs, in words. */
export function triggerText({ trigger }: FlowDocument): string {
  switch (trigger.kind) {
    case 'manual':
      return 'by hand'
    case 'watch':
      return 'when a file appears'
    case 'after':
      return `after ${trigger.flow}`
    case 'schedule':
      return scheduleText(trigger.schedule)
  }
}
