/** What a run sends: files as they are, or packed; each with the note which flow sent it, in the same transaction. */
import { dirname } from 'node:path'
import type { WireError } from '../../contract/errors/index.ts'
import type { OutboundFlow } from '../../contract/flow-document.ts'
import type { DeliveryService, FileToSend } from '../deliveries/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, toWireError } from '../kernel/errors.ts'
import { chooseFiles, type ChoiceDeps, type Chosen, type NamedFiles, type Skipped } from './choice.ts'
import type { FlowFiles } from './files.ts'
import { packFiles } from './packing.ts'
import { reportOf, type RunReport } from './run-repository.ts'
import { duplicateKey, namesThere, protectStepOf, splitTarget, zipStepOf, type StandingFile } from './rules.ts'

export interface OutboundDeps extends Omit<ChoiceDeps, 'signal'> {
  readonly files: FlowFiles
  readonly deliveries: Pick<DeliveryService, 'send' | 'retry' | 'wait'>
  readonly clock: Clock
}

export interface OutboundRun {
  readonly run: string
  readonly flow: OutboundFlow
  readonly actor: Actor
  readonly byPerson: boolean
  readonly named: NamedFiles | undefined
}

/** Resolves when everything that it started rests. */
export async function sendAll(task: OutboundRun, deps: OutboundDeps, signal: AbortSignal): Promise<RunReport> {
  const { run, flow, actor, byPerson, named } = task
  const choice = await chooseFiles(flow, { ...deps, signal }, { byPerson, wait: true, ...(named === undefined ? {} : { named }) })
  const skipped: Skipped[] = [...choice.skip]
  const errors: RunReport['errors'][number][] = []
  const started = new Set<string>()
  for (const together of parcelsOf(flow, choice.send)) {
    signal.throwIfAborted()
    const again = together[0]?.again ?? null
    if (again !== null) {
      if (started.has(again)) continue
      deps.files.moveToRun(again, run)
      await deps.deliveries.retry(again, actor, signal)
      started.add(again)
      continue
    }
    const result = await sendParcel(together, task, deps, signal)
    if ('delivery' in result) started.add(result.delivery)
    else
      for (const { file, target } of together)
        if (result.error.code === 'delivery.duplicate') skipped.push({ name: file.name, target, why: 'duplicate', reason: result.error.message })
        else errors.push({ name: file.name, target, error: result.error })
  }
  await deps.deliveries.wait([...started], signal)
  return reportOf(choice.found, skipped, errors)
}

/** What becomes one delivery each: a file, or with a ZIP step for all of them everything that goes to one target. */
export function parcelsOf(flow: OutboundFlow, chosen: readonly Chosen[]): readonly (readonly Chosen[])[] {
  if (zipStepOf(flow)?.files !== 'together') return chosen.map((one) => [one])
  const fresh = chosen.filter(({ again }) => again === null)
  return [...chosen.filter(({ again }) => again !== null).map((one) => [one]), ...flow.targets.map((target) => fresh.filter((one) => one.target === target)).filter((parcel) => parcel.length > 0)]
}

/** The file, or the archive, that a parcel travels as. Rejects with `flow.same_name_inside`. */
export function fileOfParcel(flow: OutboundFlow, parcel: readonly [Chosen, ...Chosen[]], now: number): FileToSend & { readonly sha256Of?: (file: StandingFile) => string } {
  const [first] = parcel
  const { partner } = splitTarget(first.target)
  const { inside, name, as, addEnding } = namesThere(flow, first.file.name, { now, partner })
  const named = { name, as, addEnding, protect: protectStepOf(flow)?.with }
  if (inside === null) return { ...named, path: first.file.path }
  const content = packFiles(parcel.map(({ file }) => ({ file, inside: namesThere(flow, file.name, { now, partner }).inside ?? file.name })))
  return { ...named, path: parcel.length === 1 ? first.file.path : dirname(first.file.path), content, sha256Of: content.sha256Of }
}

async function sendParcel(parcel: readonly Chosen[], { run, flow, actor }: OutboundRun, deps: OutboundDeps, signal: AbortSignal): Promise<{ delivery: string } | { error: WireError }> {
  const [first, ...others] = parcel
  if (first === undefined) return { error: nothingSent() }
  const { files, deliveries, clock } = deps
  const { partner, connection } = splitTarget(first.target)
  const { windowMinutes } = flow.retry
  const reasons = new Set(parcel.flatMap(({ allowDuplicate }) => allowDuplicate ?? []))
  try {
    const { sha256Of, ...file } = fileOfParcel(flow, [first, ...others], clock.now())
    const [result] = await deliveries.send({ partner, connection, files: [file] }, reasons.size === 0 ? undefined : [...reasons].join('; ').slice(0, 500), actor, signal, {
      trace: run,
      retryUntil: windowMinutes === undefined ? null : timestamp(clock.now() + windowMinutes * 60_000),
      // With the delivery itself or not at all: what is sent is never unknown to its flow.
      within({ id, sha256 }) {
        for (const chosen of parcel) {
          // The rule for duplicates looks at what stands in the source, however it is packed.
          files.add({ ...chosen.file, delivery: id, flow: flow.id, run, target: chosen.target, duplicateKey: duplicateKey(flow.duplicates, chosen.file, sha256Of?.(chosen.file) ?? sha256), afterwards: chosen.stays ? 'kept' : 'pending', createdAt: timestamp(clock.now()) })
          if (chosen.release !== null) files.useRelease(chosen.release, id)
        }
      },
    })
    return result?.delivery ? { delivery: result.delivery.id } : { error: result?.error ?? nothingSent() }
  } catch (error) {
    signal.throwIfAborted()
    return { error: toWireError(error) }
  }
}

function nothingSent(): WireError {
  return toWireError(new AppError('internal.unexpected', 'nothing was sent'))
}
