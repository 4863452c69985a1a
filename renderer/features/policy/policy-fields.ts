/** The fields of a policy document, read from its published schema. Each can be left as it is one level above. Pure. */
import { z } from 'zod'
import { PolicyChange, type Policy } from '../../../shared/contract/policy-document.ts'

export type PolicyValue = boolean | number | string | readonly string[]

interface Base {
  /** `roles.sign.digests`. */
  readonly path: string
  readonly title: string
  readonly help: string | undefined
}
export type PolicyField = Base & ({ readonly kind: 'switch' } | { readonly kind: 'number' } | { readonly kind: 'choice'; readonly options: readonly string[] } | { readonly kind: 'several'; readonly options: readonly string[] })

export interface PolicySection {
  readonly title: string
  readonly fields: readonly PolicyField[]
  /** Algorithms and sizes of one role. */
  readonly isRole: boolean
}

interface Node {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
}

export const POLICY_SECTIONS: readonly PolicySection[] = sectionsOf(z.toJSONSchema(PolicyChange, { io: 'input', reused: 'inline' }) as Node)

function sectionsOf({ properties = {} }: Node): PolicySection[] {
  const { hardened, roles, $schema: _, ...groups } = properties
  const plain = Object.entries(groups).map(([name, node]) => ({ title: node.title ?? name, fields: fieldsIn(name, node), isRole: false }))
  const general = hardened === undefined ? [] : [{ title: 'In general', fields: [fieldOf('hardened', hardened)], isRole: false }]
  return [...general, ...plain, ...Object.entries(roles?.properties ?? {}).map(([name, node]) => ({ title: node.title ?? name, fields: fieldsIn(`roles.${name}`, node), isRole: true }))]
}

function fieldsIn(above: string, { properties = {} }: Node): PolicyField[] {
  return Object.entries(properties).map(([name, node]) => fieldOf(`${above}.${name}`, node))
}

function fieldOf(path: string, node: Node): PolicyField {
  const base = { path, title: node.title ?? path, help: node.description }
  if (node.enum !== undefined) return { ...base, kind: 'choice', options: node.enum }
  if (node.type === 'array') return { ...base, kind: 'several', options: node.items?.enum ?? [] }
  return { ...base, kind: node.type === 'boolean' ? 'switch' : 'number' }
}

export function valueAt(document: PolicyChange | Policy, path: string): PolicyValue | undefined {
  return path.split('.').reduce<unknown>((node, name) => (typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined), document) as PolicyValue | undefined
}

/** The document with one value set, or left out; groups that have become empty go with it. */
export function withValue(document: PolicyChange, path: string, value: PolicyValue | undefined): PolicyChange {
  return changed(document as Record<string, unknown>, path.split('.'), value) as PolicyChange
}

function changed(node: Readonly<Record<string, unknown>>, [name = '', ...rest]: readonly string[], value: PolicyValue | undefined): Record<string, unknown> {
  const { [name]: before, ...others } = node
  const next = rest.length === 0 ? value : changed((before ?? {}) as Record<string, unknown>, rest, value)
  const isEmpty = next === undefined || (typeof next === 'object' && !Array.isArray(next) && Object.keys(next).length === 0)
  return isEmpty ? others : { ...others, [name]: next }
}

/** One field and its value, for a closed section. */
export function summaryText({ kind, title }: PolicyField, value: PolicyValue | undefined): string {
  if (kind === 'several') return valueText(value)
  return kind === 'number' ? `RSA from ${valueText(value)} bit` : `${title.slice(0, 1).toLowerCase()}${title.slice(1)}: ${valueText(value)}`
}

/** A value in words. */
export function valueText(value: PolicyValue | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return Array.isArray(value) ? value.join(', ') : String(value)
}
