/** What a run would do now. Nothing is sent or changed. */
import type { z } from 'zod'
import type { FlowDocument, OutboundFlow } from '../../contract/flow-document.ts'
import type { DryRun } from '../../contract/flows.ts'
import { describeTarget } from '../deliveries/plan.ts'
import type { DeliveryService } from '../deliveries/service.ts'
import { toWireError } from '../kernel/errors.ts'
import type { Routes } from '../partners/routes.ts'
import { chooseFiles, type ChoiceDeps, type Chosen } from './choice.ts'
import { fileOfParcel, parcelsOf } from './outbound.ts'
import { splitTarget } from './rules.ts'
import { stepsOf, type StepsDeps } from './steps.ts'

export interface DryRunDeps extends Omit<ChoiceDeps, 'signal'>, StepsDeps {
  readonly deliveries: Pick<DeliveryService, 'preview'>
  readonly routes: Routes
}

type Out = z.input<typeof DryRun>

export async function dryRun(document: FlowDocument, deps: DryRunDeps, signal: AbortSignal): Promise<Out> {
  const steps = stepsOf(document, deps)
  if (document.direction === 'inbound') return { flow: document.id, folder: null, send: [], skip: [], collect: document.targets.map((target) => collected(target, deps.routes)), steps }
  const choice = await chooseFiles(document, { ...deps, signal }, { byPerson: false, wait: false })
  const send: Out['send'] = []
  for (const parcel of parcelsOf(document, choice.send)) send.push(...(await planned(document, parcel, deps, signal)))
  const skip = [...choice.skip.map(({ name, target, reason }) => ({ name, target: target === '' ? null : target, reason })), ...choice.passedOver.map((passed) => ({ ...passed, target: null }))]
  return { flow: document.id, folder: choice.folder, send, skip, collect: [], steps }
}

async function planned(flow: OutboundFlow, parcel: readonly Chosen[], { deliveries, clock }: DryRunDeps, signal: AbortSignal): Promise<Out['send']> {
  const [first, ...others] = parcel
  if (first === undefined) return []
  const { partner, connection } = splitTarget(first.target)
  const names = parcel.map(({ file }) => file.name)
  const shown = { name: first.file.name, target: first.target, ...(names.length === 1 ? {} : { together: names }) }
  try {
    const [plan] = await deliveries.preview({ partner, connection, files: [fileOfParcel(flow, [first, ...others], clock.now())] }, signal)
    return plan === undefined ? [] : [{ ...shown, plan }]
  } catch (error) {
    signal.throwIfAborted()
    return [{ ...shown, plan: { fileName: first.file.name, remoteName: first.file.name, size: 0, target: first.target, protection: [], duplicateOf: null, refusal: toWireError(error) } }]
  }
}

function collected(target: string, routes: Routes): Out['collect'][number] {
  const { partner, connection } = splitTarget(target)
  const { connection: found } = routes.target(partner, connection)
  const receive = 'receive' in found ? found.receive : undefined
  return { target, from: `${describeTarget(found)}${receive === undefined ? '' : `, ${receive.folder}`}`, patterns: receive?.patterns ?? [], afterwards: receive?.after ?? 'left' }
}
