/** What the fields of a form hold, how a document becomes that, and back. Pure. */
import type { Field, GroupSpec, RowsSpec, VariantSpec } from './fields.ts'

/** A secret as the form knows it: what was typed, and whether one is sealed already. It is never read back. */
export interface SecretValue {
  readonly typed: string
  readonly sealed: boolean
}
export interface GroupValue {
  readonly on: boolean
  readonly values: Values
}
/** Every shape keeps what was typed, while a person looks at the others. */
export interface VariantValue {
  readonly chosen: string
  readonly cases: Readonly<Record<string, Values>>
}
export interface RowValue {
  /** Keeps a row its own while others go. */
  readonly key: string
  readonly values: Values
}
export type Value = string | boolean | SecretValue | GroupValue | VariantValue | readonly RowValue[]
export type Values = Readonly<Record<string, Value>>

type Json = Readonly<Record<string, unknown>>

/** The values of the fields for a stored object; without one, the defaults. */
export function valuesOf(fields: readonly Field[], stored: unknown): Values {
  const object = objectIn(stored)
  return Object.fromEntries(fields.map((field) => [field.name, valueOf(field, object?.[field.name])]))
}

export function newRow(spec: RowsSpec): RowValue {
  return { key: crypto.randomUUID(), values: valuesOf(spec.fields, undefined) }
}

function valueOf(field: Field, stored: unknown): Value {
  switch (field.kind) {
    case 'text':
    case 'choice':
    case 'number':
      return String(stored ?? field.default ?? '')
    case 'check':
      return typeof stored === 'boolean' ? stored : field.default
    case 'lines':
      return (Array.isArray(stored) ? stored : field.default).join('\n')
    case 'secret':
      return { typed: '', sealed: stored !== undefined }
    case 'group':
      return { on: field.ask === undefined || stored !== undefined, values: valuesOf(field.fields, stored) }
    case 'variant':
      return variantValue(field, objectIn(stored))
    case 'rows':
      return (Array.isArray(stored) ? stored : []).map((row) => ({ key: crypto.randomUUID(), values: valuesOf(field.fields, row) }))
  }
}

function variantValue({ tag, cases }: VariantSpec, stored: Json | undefined): VariantValue {
  const chosen = String(stored?.[tag] ?? cases[0]?.value ?? '')
  return { chosen, cases: Object.fromEntries(cases.map(({ value, fields }) => [value, valuesOf(fields, value === chosen ? stored : undefined)])) }
}

/**
 * The object for the core, which validates it. Empty fields are left out, so that the schema's defaults hold; a number that is none
 * goes on as it was typed, so that the core's message names the field.
 */
export function objectOf(fields: readonly Field[], values: Values): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      if (!isShown(field, values)) return []
      const value = values[field.name]
      const out = value === undefined ? undefined : outOf(field, value)
      return out === undefined ? [] : [[field.name, out]]
    }),
  )
}

/** Whether the values of its neighbours give a field a meaning. */
export function isShown({ when }: Field, values: Values): boolean {
  return Object.entries(when ?? {}).every(([name, wanted]) => wanted.includes(String(values[name])))
}

function outOf(field: Field, value: Value): unknown {
  switch (field.kind) {
    case 'text':
    case 'choice':
      return value === '' && !field.required && !(field.kind === 'text' && field.mayBeEmpty) ? undefined : value === '' && field.kind === 'choice' ? undefined : value
    case 'number':
      return numberOut(value as string, field.required)
    case 'check':
      return value
    case 'lines':
      return linesOut(value as string)
    case 'secret':
      return secretOut(value as SecretValue, field.required)
    case 'group':
      return groupOut(field, value as GroupValue)
    case 'variant':
      return variantOut(field, value as VariantValue)
    case 'rows':
      return (value as readonly RowValue[]).map(({ values }) => objectOf(field.fields, values))
  }
}

function numberOut(text: string, required: boolean): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return required ? '' : undefined
  return /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed
}

function linesOut(text: string): readonly string[] | undefined {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return lines.length === 0 ? undefined : lines
}

function secretOut({ typed, sealed }: SecretValue, required: boolean): unknown {
  if (typed !== '') return typed
  if (sealed) return { sealed: true }
  return required ? '' : undefined
}

function groupOut({ fields }: GroupSpec, { on, values }: GroupValue): unknown {
  return on ? objectOf(fields, values) : undefined
}

function variantOut({ tag, cases }: VariantSpec, { chosen, cases: values }: VariantValue): unknown {
  const fields = cases.find(({ value }) => value === chosen)?.fields ?? []
  return { [tag]: chosen, ...objectOf(fields, values[chosen] ?? {}) }
}

function objectIn(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
}
