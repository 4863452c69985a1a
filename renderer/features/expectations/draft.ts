/** What the form of an expectation holds, and how it becomes a document. Pure. */
import { ExpectationDocument } from '../../../shared/contract/expectations.ts'
import { draftOfSchedule, newSchedule, scheduleOf, type ScheduleDraft } from '../flows/form/schedule-draft.ts'
import { fieldsOf } from '../partners/form/fields.ts'
import { objectOf, valuesOf, type Values } from '../partners/form/values.ts'

export interface ExpectationDraft {
  readonly id: string
  readonly idTyped: boolean
  readonly name: string
  readonly direction: ExpectationDocument['direction']
  readonly partner: string
  readonly connection: string
  readonly flow: string
  readonly by: ScheduleDraft
  /** Everything else. */
  readonly values: Values
}

export const EXPECTATION_FIELDS = fieldsOf(ExpectationDocument, ['$schema', 'id', 'name', 'direction', 'partner', 'connection', 'flow', 'by'])

export function emptyExpectation(zone: string): ExpectationDraft {
  return { id: '', idTyped: false, name: '', direction: 'inbound', partner: '', connection: '', flow: '', by: newSchedule(zone), values: valuesOf(EXPECTATION_FIELDS, undefined) }
}

export function draftOfExpectation(document: ExpectationDocument): ExpectationDraft {
  return {
    id: document.id, idTyped: true, name: document.name, direction: document.direction, partner: document.partner, connection: document.connection ?? '', flow: document.flow ?? '',
    by: draftOfSchedule(document.by), values: valuesOf(EXPECTATION_FIELDS, document),
  }
}

export function documentOfExpectation(draft: ExpectationDraft): Record<string, unknown> {
  return {
    id: draft.id, name: draft.name, direction: draft.direction, partner: draft.partner,
    ...(draft.connection === '' ? {} : { connection: draft.connection }),
    ...(draft.flow === '' ? {} : { flow: draft.flow }),
    ...objectOf(EXPECTATION_FIELDS, draft.values),
    by: scheduleOf(draft.by),
  }
}
