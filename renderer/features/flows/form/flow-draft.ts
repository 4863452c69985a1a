/** What the flow form holds, and how it becomes a flow document. Pure. */
import { InboundDocument, InboundStep, OutboundDocument, OutboundStep, type FlowDocument, type FlowStep } from '../../../../shared/contract/flow-document.ts'
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
  /** Of either direction. */
  readonly steps: Readonly<Record<Direction, readonly StepDraft[]>>
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

const STEP_TITLES: Readonly<Record<FlowStep['kind'], string>> = { rename: 'Give it another name', zip: 'Put it into a ZIP file', protect: 'Protect it with OpenPGP', open: 'Decrypt and check with OpenPGP', unzip: 'Unpack ZIP files' }

export interface StepSpec {
  readonly kind: FlowStep['kind']
  readonly title: string
  readonly fields: readonly Field[]
}

const specOf = (option: (typeof OutboundStep.options)[number] | (typeof InboundStep.options)[number]): StepSpec => {
  const kind = option.shape.kind.value
  return { kind, title: STEP_TITLES[kind], fields: fieldsOf(option) }
}

/** The steps that a direction can have, with their settings from the schema. */
export const STEPS: Readonly<Record<Direction, readonly StepSpec[]>> = { outbound: OutboundStep.options.map(specOf), inbound: InboundStep.options.map(specOf) }

export function newStep({ kind, fields }: StepSpec): StepDraft {
  return { key: crypto.randomUUID(), kind, values: valuesOf(fields, undefined) }
}

export function specOfStep(kind: FlowStep['kind']): StepSpec | undefined {
  return [...STEPS.outbound, ...STEPS.inbound].find((spec) => spec.kind === kind)
}

export function emptyFlow(zone: string): FlowDraft {
  return {
    id: '', idTyped: false, name: '', direction: 'outbound', targets: [], steps: { outbound: [], inbound: [] }, trigger: 'schedule', schedule: newSchedule(zone), after: { flow: '', when: 'delivered' },
    values: { outbound: valuesOf(FLOW_FIELDS.outbound, undefined), inbound: valuesOf(FLOW_FIELDS.inbound, undefined) },
  }
}

export function draftOfFlow(document: FlowDocument, zone: string): FlowDraft {
  const { trigger, direction } = document
  const empty = emptyFlow(zone)
  return {
    ...empty,
    id: document.id, idTyped: true, name: document.name, direction, targets: document.targets, trigger: trigger.kind,
    steps: { ...empty.steps, [direction]: document.steps.map((step: FlowStep): StepDraft => ({ key: crypto.randomUUID(), kind: step.kind, values: valuesOf(specOfStep(step.kind)?.fields ?? [], step) })) },
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
    steps: draft.steps[direction].map(({ kind, values }) => ({ kind, ...objectOf(specOfStep(kind)?.fields ?? [], values) })),
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
