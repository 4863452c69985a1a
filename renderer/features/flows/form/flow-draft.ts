/** What the flow form holds, and how it becomes a flow document. Pure. */
import { FlowStep, InboundDocument, OutboundDocument, type FlowDocument } from '../../../../shared/contract/flow-document.ts'
import { fieldsOf, type Field } from '../../partners/form/fields.ts'
import { objectOf, valuesOf, type Values } from '../../partners/form/values.ts'
import { draftOfSchedule, newSchedule, scheduleOf, type ScheduleDraft } from './schedule-draft.ts'

export type Direction = FlowDocument['direction']
export type TriggerKind = FlowDocument['trigger']['kind']

export interface StepDraft {
  readonly key: string
  readonly kind: FlowStep['kind']
  readonly values: Values
}

export interface FlowDraft {
  readonly id: string
  /** The short name follows the name until a person types one. */
  readonly idTyped: boolean
  readonly name: string
  readonly direction: Direction
  readonly targets: readonly string[]
  readonly steps: readonly StepDraft[]
  readonly trigger: TriggerKind
  readonly schedule: ScheduleDraft
  readonly after: { readonly flow: string; readonly when: 'delivered' | 'always' }
  /** All other settings, of either direction. */
  readonly values: Readonly<Record<Direction, Values>>
}

const OWN_CONTROLS = ['$schema', 'id', 'name', 'direction', 'targets', 'steps', 'trigger']

export const FLOW_FIELDS: Readonly<Record<Direction, readonly Field[]>> = {
  outbound: fieldsOf(OutboundDocument, OWN_CONTROLS),
  inbound: fieldsOf(InboundDocument, OWN_CONTROLS),
}

const STEP_TITLES: Readonly<Record<string, string>> = { rename: 'Give it another name', zip: 'Put it into a ZIP file' }

/** The settings of each kind of step, from the schema. */
export const STEP_FIELDS: readonly (readonly [kind: FlowStep['kind'], title: string, fields: readonly Field[]])[] = FlowStep.options.map((option) => {
  const kind = option.shape.kind.value
  return [kind, STEP_TITLES[kind] ?? kind, fieldsOf(option)] as const
})

export function newStep(kind: FlowStep['kind']): StepDraft {
  return { key: crypto.randomUUID(), kind, values: valuesOf(fieldsOfStep(kind), undefined) }
}

export function fieldsOfStep(kind: FlowStep['kind']): readonly Field[] {
  return STEP_FIELDS.find(([name]) => name === kind)?.[2] ?? []
}

export function emptyFlow(zone: string): FlowDraft {
  return {
    id: '', idTyped: false, name: '', direction: 'outbound', targets: [], steps: [], trigger: 'schedule', schedule: newSchedule(zone), after: { flow: '', when: 'delivered' },
    values: { outbound: valuesOf(FLOW_FIELDS.outbound, undefined), inbound: valuesOf(FLOW_FIELDS.inbound, undefined) },
  }
}

export function draftOfFlow(document: FlowDocument, zone: string): FlowDraft {
  const { trigger, direction } = document
  const empty = emptyFlow(zone)
  return {
    ...empty,
    id: document.id, idTyped: true, name: document.name, direction, targets: document.targets, trigger: trigger.kind,
    steps: document.direction === 'outbound' ? document.steps.map((step) => ({ key: crypto.randomUUID(), kind: step.kind, values: valuesOf(fieldsOfStep(step.kind), step) })) : [],
    schedule: trigger.kind === 'schedule' ? draftOfSchedule(trigger.schedule) : empty.schedule,
    after: trigger.kind === 'after' ? { flow: trigger.flow, when: trigger.when } : empty.after,
    values: { ...empty.values, [direction]: valuesOf(FLOW_FIELDS[direction], document) },
  }
}

/** The document for the core, which validates it. */
export function documentOfFlow(draft: FlowDraft): Record<string, unknown> {
  const { direction } = draft
  return {
    direction, id: draft.id, name: draft.name,
    ...objectOf(FLOW_FIELDS[direction], draft.values[direction]),
    targets: [...draft.targets],
    ...(direction === 'outbound' ? { steps: draft.steps.map(({ kind, values }) => ({ kind, ...objectOf(fieldsOfStep(kind), values) })) } : {}),
    trigger: triggerOf(draft),
  }
}

function triggerOf({ trigger, schedule, after }: FlowDraft): Record<string, unknown> {
  switch (trigger) {
    case 'schedule':
      return { kind: 'schedule', schedule: scheduleOf(schedule) }
    case 'after':
      return { kind: 'after', ...after }
    default:
      return { kind: trigger }
  }
}

/** Triggers that a direction can have: a partner's folder cannot be watched. */
export function triggersOf(direction: Direction): readonly TriggerKind[] {
  return direction === 'outbound' ? ['schedule', 'watch', 'after', 'manual'] : ['schedule', 'after', 'manual']
}
