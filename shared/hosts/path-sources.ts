/** Finds files that are named by path in a parsed input. A window shows what strangers sent; it must not pick files by name. */
import { z } from 'zod'
import { FileSource } from '../contract/common.ts'

/**
 * The field (`files[0].source`) of the first `FileSource` that is a path, or null. The schema leads, so that a field of
 * another meaning that is called `path` does not count.
 */
export function findPathSource(schema: z.core.$ZodType, value: unknown, field = ''): string | null {
  if (value === undefined || value === null) return null
  if (schema === FileSource) return isPathSource(value) ? (field === '' ? 'input' : field) : null
  if (schema instanceof z.ZodObject) return findInFields(schema, value, field)
  if (schema instanceof z.ZodArray) return findInList(schema, value, field)
  if (schema instanceof z.ZodUnion) return findInOptions(schema, value, field)
  if (schema instanceof z.ZodRecord) return findInRecord(schema, value, field)
  const inner = innerOf(schema)
  return inner === null ? null : findPathSource(inner, value, field)
}

function isPathSource(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'path')
}

function innerOf(schema: z.core.$ZodType): z.core.$ZodType | null {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return schema.unwrap()
  return null
}

function findInFields(schema: z.ZodObject, value: unknown, field: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  for (const [name, inner] of Object.entries(schema.shape)) {
    const found = findPathSource(inner, Reflect.get(value, name), field === '' ? name : `${field}.${name}`)
    if (found !== null) return found
  }
  return null
}

function findInList(schema: z.ZodArray, value: unknown, field: string): string | null {
  if (!Array.isArray(value)) return null
  for (const [index, entry] of value.entries()) {
    const found = findPathSource(schema.element, entry, `${field}[${index}]`)
    if (found !== null) return found
  }
  return null
}

function findInOptions(schema: z.ZodUnion, value: unknown, field: string): string | null {
  for (const option of schema.options) {
    const found = findPathSource(option, value, field)
    if (found !== null) return found
  }
  return null
}

function findInRecord(schema: z.ZodRecord, value: unknown, field: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  for (const [name, entry] of Object.entries(value)) {
    const found = findPathSource(schema.valueType, entry, `${field}.${name}`)
    if (found !== null) return found
  }
  return null
}
