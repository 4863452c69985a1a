/** Everything about a flow document that its schema cannot see. */
import { isAbsolute } from 'node:path'
import type { FlowDocument } from '../../contract/flow-document.ts'
import { AppError } from '../kernel/errors.ts'
import { readHolidays } from '../schedules/holidays.ts'
import { checkSchedule } from '../schedules/rules.ts'
import type { Routes } from '../partners/routes.ts'
import type { FlowRepository } from './repository.ts'
import { circleOf, protectStepOf, splitTarget, unknownPlaceholders } from './rules.ts'

export interface CheckingDeps {
  /** How many days the content of a partner's files is kept by agreement. */
  readonly keptDays: (partner: string) => number
  readonly repository: FlowRepository
  readonly partnerExists: (partner: string, connection: string | undefined) => boolean
  readonly routes: Pick<Routes, 'target'>
}

/** Rejects with `input.invalid`, naming the field. Answers the dates of the business calendar. */
export async function checkFlow(document: FlowDocument, deps: CheckingDeps): Promise<string[]> {
  for (const [index, target] of document.targets.entries()) {
    const { partner, connection } = splitTarget(target)
    if (!deps.partnerExists(partner, connection)) throw invalid(`targets.${index}`, `there is no ${connection === undefined ? 'partner' : 'connection'} ${target}`)
  }
  checkKeeping(document, deps)
  if (document.direction === 'outbound') checkOutbound(document, deps)
  else checkInbound(document, deps)
  const { trigger } = document
  if (trigger.kind === 'after') checkTurn(document.id, trigger.flow, deps)
  if (trigger.kind !== 'schedule') return []
  checkSchedule(trigger.schedule)
  return await readHolidays(trigger.schedule)
}

function checkOutbound(document: Extract<FlowDocument, { direction: 'outbound' }>, { routes }: CheckingDeps): void {
  const { source, moveTo, steps, targets } = document
  if (source.kind === 'folder' && !isAbsolute(source.folder)) throw invalid('source.folder', 'write the full path')
  if (moveTo !== undefined && !isAbsolute(moveTo)) throw invalid('moveTo', 'write the full path')
  for (const [index, step] of steps.entries()) {
    const unknown = unknownPlaceholders(step)
    if (unknown.length > 0) throw invalid(`steps.${index}.template`, `${unknown.join(', ')} means nothing${step.kind === 'zip' && step.files === 'together' ? ' for all files together' : ''}`)
  }
  if (protectStepOf(document) === null) return
  for (const target of targets) {
    const { partner, connection } = splitTarget(target)
    if (routes.target(partner, connection).connection.protocol === 'as2') throw invalid(`steps.${steps.findIndex(({ kind }) => kind === 'protect')}.with`, `${target} goes by AS2, which signs and encrypts by itself; its connection says how`)
  }
}

function checkKeeping({ keepDays, targets }: FlowDocument, deps: CheckingDeps): void {
  if (keepDays === undefined) return
  for (const target of targets) {
    const agreed = deps.keptDays(splitTarget(target).partner)
    if (keepDays < agreed) throw invalid('keepDays', `${agreed} days are agreed with ${splitTarget(target).partner} (“Keep files for (days)” of the partner; 90 where it is left out)`)
  }
}

/** What is collected at one place is treated alike, whoever collects it. */
function checkInbound(document: Extract<FlowDocument, { direction: 'inbound' }>, { repository }: CheckingDeps): void {
  for (const { id, document: other } of repository.inbound()) {
    if (id === document.id || other.direction !== 'inbound' || JSON.stringify(other.steps) === JSON.stringify(document.steps)) continue
    const shared = document.targets.find((target) => other.targets.some((one) => isSamePlace(one, target)))
    if (shared !== undefined) throw invalid('steps', `${id} collects from ${shared} with other steps; what is collected there is treated alike`)
  }
}

function isSamePlace(one: string, other: string): boolean {
  const [left, right] = [splitTarget(one), splitTarget(other)]
  return left.partner === right.partner && (left.connection === undefined || right.connection === undefined || left.connection === right.connection)
}

function checkTurn(id: string, after: string, { repository }: CheckingDeps): void {
  if (repository.find(after) === null) throw invalid('trigger.flow', `there is no flow ${after}`)
  const startedBy = new Map(repository.withTrigger('after').flatMap(({ id: other, document: { trigger } }) => (trigger.kind === 'after' ? [[other, trigger.flow] as const] : [])))
  const circle = circleOf(id, startedBy.set(id, after))
  if (circle !== null) throw new AppError('flow.circle', circle.join(' → '))
}

function invalid(field: string, message: string): AppError {
  return new AppError('input.invalid', `${field}: ${message}`, { details: { [field]: message } })
}
