/** The fields of a form, read from a published JSON Schema: one declaration drives form, command line and documentation. Pure. */
import { z } from 'zod'

interface Base {
  readonly name: string
  readonly title: string
  readonly help: string | undefined
  /** Shown on demand. */
  readonly advanced: boolean
  readonly required: boolean
  /** Shown only while a neighbour has one of these values. */
  readonly when: Readonly<Record<string, readonly string[]>> | undefined
}

export interface TextSpec extends Base {
  readonly kind: 'text'
  readonly input: 'text' | 'date' | 'email'
  readonly default: string | undefined
  readonly example: string | undefined
  /** Whether an empty text is a value of its own. */
  readonly mayBeEmpty: boolean
}
export interface NumberSpec extends Base {
  readonly kind: 'number'
  readonly default: number | undefined
}
export interface CheckSpec extends Base {
  readonly kind: 'check'
  readonly default: boolean
}
export interface ChoiceSpec extends Base {
  readonly kind: 'choice'
  readonly options: readonly string[]
  /** How the values are said here, where the common words do not fit. */
  readonly words: Readonly<Record<string, string>>
  readonly default: string | undefined
}
export interface SecretSpec extends Base {
  readonly kind: 'secret'
}
/** A list of texts, one in a line. */
export interface LinesSpec extends Base {
  readonly kind: 'lines'
  readonly default: readonly string[]
}
export interface GroupSpec extends Base {
  readonly kind: 'group'
  readonly fields: readonly Field[]
  /** The question that switches an optional group on; undefined for one that is always there. */
  readonly ask: string | undefined
}
/** One of several shapes; `tag` tells which. */
export interface VariantSpec extends Base {
  readonly kind: 'variant'
  readonly tag: string
  readonly cases: readonly { readonly value: string; readonly fields: readonly Field[] }[]
}
export interface RowsSpec extends Base {
  readonly kind: 'rows'
  readonly fields: readonly Field[]
}

export type Field = TextSpec | NumberSpec | CheckSpec | ChoiceSpec | SecretSpec | LinesSpec | GroupSpec | VariantSpec | RowsSpec

/** The part of JSON Schema that the contract's schemas come out as. */
interface Node {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly items?: Node
  readonly oneOf?: readonly Node[]
  readonly advanced?: boolean
  readonly secret?: boolean
  readonly ask?: string
  readonly words?: Readonly<Record<string, string>>
  readonly when?: Readonly<Record<string, readonly string[]>>
}

/**
 * The fields of an object schema in their order. `leave` names paths (`tls.pins`) that have controls of their own; constants and
 * whatever has no plain control are left out too.
 */
export function fieldsOf(schema: z.ZodType, leave: readonly string[] = []): readonly Field[] {
  // Anything else than what the contract uses comes out without a kind, and `fieldOf` leaves it out.
  return fieldsOfNode(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Node, leave, '')
}

function fieldsOfNode(node: Node, leave: readonly string[], above: string): readonly Field[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = `${above}${name}`
    if (leave.includes(path)) return []
    const field = fieldOf(name, child, node.required?.includes(name) ?? false, leave, path)
    return field === null ? [] : [field]
  })
}

function fieldOf(name: string, node: Node, required: boolean, leave: readonly string[], path: string): Field | null {
  const base: Base = { name, title: node.title ?? name, help: node.description, advanced: node.advanced === true, required, when: node.when }
  if (node.secret === true) return { ...base, kind: 'secret' }
  if (node.const !== undefined) return null
  if (node.oneOf !== undefined) return variantOf(base, node.oneOf, leave, path)
  if (node.enum !== undefined) return { ...base, kind: 'choice', options: node.enum, words: node.words ?? {}, default: textIn(node.default) }
  switch (node.type) {
    case 'string':
      return { ...base, kind: 'text', input: inputOf(node), default: textIn(node.default), example: textIn(node.examples?.[0]), mayBeEmpty: takesEmpty(node) }
    case 'integer':
    case 'number':
      return { ...base, kind: 'number', default: typeof node.default === 'number' ? node.default : undefined }
    case 'boolean':
      return { ...base, kind: 'check', default: node.default === true }
    case 'object':
      return { ...base, kind: 'group', fields: fieldsOfNode(node, leave, `${path}.`), ask: required || node.default !== undefined ? undefined : (node.ask ?? base.title) }
    case 'array':
      return listOf(base, node, leave, path)
    default:
      return null
  }
}

function variantOf(base: Base, branches: readonly Node[], leave: readonly string[], path: string): VariantSpec | null {
  const tag = Object.entries(branches[0]?.properties ?? {}).find(([, child]) => child.const !== undefined)?.[0]
  if (tag === undefined) return null
  return { ...base, kind: 'variant', tag, cases: branches.map((branch) => ({ value: String(branch.properties?.[tag]?.const), fields: fieldsOfNode(branch, leave, `${path}.`) })) }
}

function listOf(base: Base, { items, default: initial }: Node, leave: readonly string[], path: string): Field | null {
  if (items?.type === 'string') return { ...base, kind: 'lines', default: Array.isArray(initial) ? initial.map(String) : [] }
  return items?.type === 'object' ? { ...base, kind: 'rows', fields: fieldsOfNode(items, leave, `${path}.`) } : null
}

function inputOf({ format }: Node): TextSpec['input'] {
  return format === 'date' || format === 'email' ? format : 'text'
}

function takesEmpty({ minLength = 0, pattern, format, default: initial }: Node): boolean {
  return initial !== undefined && minLength === 0 && format === undefined && (pattern === undefined || new RegExp(pattern).test(''))
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
