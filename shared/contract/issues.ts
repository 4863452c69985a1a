/** Turns what the schemas found wrong into sentences that name the field: `connections[0].host: write a host name …`. */
import { z } from 'zod'

/** One wrong field. `field` is empty when the whole document is meant. */
export interface FieldIssue {
  readonly field: string
  readonly text: string
}

/** A parsed value, or what is wrong with it. */
export type ParseResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly FieldIssue[] }

type RawIssue = Parameters<z.core.$ZodErrorMap>[0]

/**
 * Parses with texts written for operators; a text that stands at the schema itself wins. Values are never repeated:
 * they may be secrets.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown): ParseResult<z.output<S>> {
  const result = schema.safeParse(value, { error: issueText })
  if (result.success) return { ok: true, value: result.data }
  return { ok: false, issues: result.error.issues.flatMap((issue) => fieldIssues(issue, [])) }
}

/** All issues in one line, at most five: `id: is missing; connections[0].port: must be at most 65535`. */
export function issuesText(issues: readonly FieldIssue[]): string {
  const shown = issues.slice(0, 5).map(({ field, text }) => (field === '' ? text : `${field}: ${text}`))
  const more = issues.length - shown.length
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ')
}

/** Field → text, for forms and for the details of an error; the first issue of a field wins. */
export function issuesByField(issues: readonly FieldIssue[]): Record<string, string> {
  const fields = new Map<string, string>()
  for (const { field, text } of issues) {
    const key = field === '' ? 'document' : field
    if (!fields.has(key)) fields.set(key, text)
  }
  return Object.fromEntries(fields)
}

/** `['connections', 0, 'host']` → `connections[0].host`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? String(part) : `.${String(part)}`
  }
  return text
}

function fieldIssues(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): FieldIssue[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: fieldPath([...path, key]), text: 'is not known here; check the spelling' }))
  if (issue.code === 'invalid_union') {
    const nearest = nearestBranch(issue.errors)
    if (nearest !== undefined) return nearest.flatMap((inner) => fieldIssues(inner, path))
  }
  return [{ field: fieldPath(path), text: issue.message }]
}

/** Of a union, the branch that got furthest: one that failed inside rather than at its own type. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const inside = branches.filter((branch) => !branch.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0))
  return inside.length === 1 ? inside[0] : undefined
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with fields',
  record: 'an object with fields',
  null: 'null',
}

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  email: 'write an e-mail address',
  url: 'write a web address',
  datetime: 'write a UTC time like 2026-11-24T09:30:00.000Z',
  date: 'write a day like 2027-01-31',
}

function issueText(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case 'too_small':
      return smallText(String(issue.origin), Number(issue.minimum), issue.inclusive !== false)
    case 'too_big':
      return bigText(String(issue.origin), Number(issue.maximum), issue.inclusive !== false)
    case 'invalid_format':
      return FORMAT_WORDS[issue.format] ?? 'has the wrong form'
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'invalid_union':
      return unionText(issue)
    default:
      return undefined
  }
}

function unionText(issue: Extract<RawIssue, { code: 'invalid_union' }>): string {
  const union = issue.inst instanceof z.ZodUnion ? issue.inst : null
  const discriminator = union instanceof z.ZodDiscriminatedUnion ? union.def.discriminator : null
  const options = (union?.options ?? []) as readonly z.ZodType[]
  const forms = discriminator === null ? options.flatMap(formOf) : options.flatMap((option) => (option instanceof z.ZodObject ? formOf(option.shape[discriminator] as z.ZodType) : []))
  return forms.length === 0 ? 'fits none of the permitted forms' : `must be one of ${[...new Set(forms)].join(', ')}`
}

/** A permitted form as one would write it in a document: `text`, `{ "file": … }`. */
function formOf(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodUnion) return (schema.options as readonly z.ZodType[]).flatMap(formOf)
  if (schema instanceof z.ZodLiteral) return [...schema.values].map(String)
  if (schema instanceof z.ZodEnum) return schema.options.map(String)
  if (schema instanceof z.ZodObject) return [`{ ${requiredFields(schema).join(', ')} }`]
  const word = TYPE_WORDS[schema.type]
  return word === undefined ? [] : [word]
}

const requiredFields = (schema: z.ZodObject): string[] =>
  Object.entries(schema.shape)
    .filter(([, field]) => !(field as z.ZodType).isOptional())
    .map(([name, field]) => `"${name}": ${field instanceof z.ZodLiteral ? JSON.stringify([...field.values][0]) : '…'}`)

function smallText(origin: string, least: number, inclusive: boolean): string {
  if (origin === 'string') return least === 1 ? 'must not be empty' : `must have at least ${least} characters`
  if (origin === 'array') return least === 1 ? 'must have at least one entry' : `must have at least ${least} entries`
  return inclusive ? `must be at least ${least}` : `must be more than ${least}`
}

function bigText(origin: string, most: number, inclusive: boolean): string {
  if (origin === 'string') return `must have at most ${most} characters`
  if (origin === 'array') return `must have at most ${most} entries`
  return inclusive ? `must be at most ${most}` : `must be less than ${most}`
}
