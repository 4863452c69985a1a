/** What a run collects. */
import type { FlowDocument } from '../../contract/flow-document.ts'
import type { Collect } from '../deliveries/inbound/collect.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { toWireError } from '../kernel/errors.ts'
import type { Skipped } from './choice.ts'
import type { FlowFiles } from './files.ts'
import { reportOf, type RunReport } from './run-repository.ts'
import { splitTarget } from './rules.ts'

export interface InboundDeps {
  readonly files: FlowFiles
  readonly collect: Collect
  readonly clock: Clock
}

export async function collectAll({ run, flow, actor }: { readonly run: string; readonly flow: FlowDocument; readonly actor: Actor }, deps: InboundDeps, signal: AbortSignal): Promise<RunReport> {
  const errors: RunReport['errors'][number][] = []
  const skipped: Skipped[] = []
  let found = 0
  for (const target of flow.targets) {
    try {
      const report = await deps.collect(splitTarget(target), actor, signal)
      found += report.taken.length + report.waiting.length + report.problems.length
      for (const { name, reason } of report.waiting) skipped.push({ name, target, why: 'not-stable', reason: reason === 'no-marker' ? 'its marker is missing' : 'it may still be changing' })
      for (const { name, error } of report.problems) errors.push({ name, target, error })
      for (const delivery of report.taken)
        deps.files.add({ delivery: delivery.id, flow: flow.id, run, target, path: '', name: delivery.fileName, size: delivery.size, modified: 0, duplicateKey: delivery.sha256, afterwards: 'received', createdAt: timestamp(deps.clock.now()) })
    } catch (error) {
      signal.throwIfAborted()
      errors.push({ name: '', target, error: toWireError(error) })
    }
  }
  return reportOf(found, skipped, errors)
}
