/** Which of the files that stand in a source travel to which target now, and why the others do not. Changes nothing. */
import type { Delivery } from '../../contract/deliveries.ts'
import type { OutboundFlow } from '../../contract/flow-document.ts'
import type { FlowFile } from '../../contract/flows.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { FlowFiles } from './files.ts'
import { alreadyHandled, duplicateKey, needsContent, repeatReason, type StandingFile } from './rules.ts'
import type { FolderLook, SourceFolders } from './source-folder.ts'

/** Stays no longer for files that are still changing. */
const LONGEST_WAIT_MS = 60_000
const DAY_MS = 86_400_000

/** Files named by a person instead of those that stand in the source. */
export interface NamedFiles {
  readonly files: readonly StandingFile[]
  readonly targets: readonly string[]
}

export interface Chosen {
  readonly file: StandingFile
  readonly target: string
  /** A delivery of this file that is tried again instead of a new one. */
  readonly again: string | null
  /** Reason under which the ledger takes what it would refuse as a repeat. */
  readonly allowDuplicate: string | undefined
  /** The person's permission that this uses up. */
  readonly release: string | null
  /** Named by a person: it is not put away. */
  readonly stays: boolean
}

export interface Skipped {
  readonly name: string
  readonly target: string
  readonly why: NonNullable<FlowFile['skipped']>
  /** The earlier delivery that is the reason. */
  readonly delivery?: string
  readonly reason: string
}

export interface Choice {
  readonly folder: string
  readonly found: number
  readonly send: readonly Chosen[]
  readonly skip: readonly Skipped[]
  /** Files in the folder that the flow does not mean. */
  readonly passedOver: FolderLook['passedOver']
}

export interface ChoiceDeps {
  readonly files: FlowFiles
  readonly folders: SourceFolders
  readonly deliveryOf: (id: string) => Delivery | null
  readonly digest: (path: string, signal: AbortSignal) => Promise<string>
  readonly inboxOf: (partner: string) => string
  readonly clock: Clock
  readonly signal: AbortSignal
}

export function folderOf(flow: OutboundFlow, inboxOf: (partner: string) => string): string {
  return flow.source.kind === 'folder' ? flow.source.folder : inboxOf(flow.source.partner)
}

/** `wait`: stays until files that have just appeared are complete. Rejects with `flow.source_unreadable`. */
export async function chooseFiles(flow: OutboundFlow, deps: ChoiceDeps, options: { readonly byPerson: boolean; readonly wait: boolean; readonly named?: NamedFiles }): Promise<Choice> {
  const { named } = options
  const folder = folderOf(flow, deps.inboxOf)
  const look = named === undefined ? await lookAround(folder, flow, deps, options.wait) : { complete: named.files, changing: [], passedOver: [] }
  const send: Chosen[] = []
  const skip: Skipped[] = look.changing.map(({ name }) => ({ name, target: '', why: 'not-stable', reason: 'it may still be changing' }))
  let taken = 0
  for (const file of look.complete) {
    deps.signal.throwIfAborted()
    const choices = await choicesOf(file, named?.targets ?? flow.targets, flow, deps, options)
    const wanted = choices.flatMap((choice) => ('why' in choice ? [] : [choice]))
    for (const choice of choices) if ('why' in choice) skip.push(choice)
    if (wanted.length === 0) continue
    if (taken < flow.limits.files) {
      taken += 1
      send.push(...wanted)
    } else skip.push({ name: file.name, target: '', why: 'limit', reason: `a run takes ${flow.limits.files} files; it waits for the next` })
  }
  return { folder, found: look.complete.length + look.changing.length, send, skip, passedOver: look.passedOver }
}

async function lookAround(folder: string, flow: OutboundFlow, { folders, clock, signal }: ChoiceDeps, wait: boolean): Promise<Awaited<ReturnType<SourceFolders['look']>>> {
  const first = await folders.look(folder, flow.selection)
  const ready = Math.max(0, ...first.changing.map(({ readyAt }) => readyAt)) - clock.now()
  if (!wait || first.changing.length === 0 || ready > LONGEST_WAIT_MS) return first
  await clock.sleep(Math.max(0, ready), signal)
  return await folders.look(folder, flow.selection)
}

async function choicesOf(file: StandingFile, targets: readonly string[], flow: OutboundFlow, deps: ChoiceDeps, options: { readonly byPerson: boolean; readonly named?: NamedFiles }): Promise<(Chosen | Skipped)[]> {
  const { files, clock } = deps
  const chosen = (target: string, more: Partial<Chosen> = {}): Chosen => ({ file, target, again: null, allowDuplicate: undefined, release: null, stays: options.named !== undefined, ...more })
  const judged = (target: string, delivery: string): Chosen | Skipped => {
    const found = deps.deliveryOf(delivery)
    const why = found === null ? 'duplicate' : alreadyHandled(found, options.byPerson)
    return why === 'again' ? chosen(target, { again: delivery }) : { name: file.name, target, why, delivery, reason: REASONS[why](delivery) }
  }
  let sha256: string | null = null
  const choices: (Chosen | Skipped)[] = []
  for (const target of targets) {
    const release = files.released(flow.id, target, file)
    if (release !== null) {
      choices.push(chosen(target, { release: release.id, allowDuplicate: `released for sending again: ${release.reason}` }))
      continue
    }
    // It stands where it stood when it was sent: no rule can make it another file.
    const standing = files.standing(flow.id, target, file)
    if (standing !== null) {
      choices.push(judged(target, standing.delivery))
      continue
    }
    if (file.size === 0 && flow.duplicates.emptyFiles === 'send') {
      choices.push(chosen(target, { allowDuplicate: repeatReason(flow, file, target) }))
      continue
    }
    if (needsContent(flow.duplicates)) sha256 ??= await deps.digest(file.path, deps.signal)
    const { windowDays } = flow.duplicates
    const since = windowDays === undefined ? '' : timestamp(clock.now() - windowDays * DAY_MS)
    const same = files.same(flow.id, target, duplicateKey(flow.duplicates, file, sha256 ?? ''), since)
    choices.push(same === null ? chosen(target, { allowDuplicate: repeatReason(flow, file, target) }) : judged(target, same.delivery))
  }
  return choices
}

const REASONS = {
  duplicate: (id: string) => `it was sent as ${id}`,
  'under-way': (id: string) => `it is under way as ${id}`,
  unknown: (id: string) => `it is not known whether ${id} arrived`,
  'needs-person': (id: string) => `${id} failed for a reason that does not pass by itself`,
} as const
