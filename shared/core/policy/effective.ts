/** Which policy holds: what Waybill starts with, then everyone's changes, then the partner's. Pure. */
import { DEFAULT_POLICY, type Policy, type PolicyChange } from '../../contract/policy-document.ts'

export function effectivePolicy(...changes: readonly (PolicyChange | undefined)[]): Policy {
  return changes.reduce<unknown>((policy, change) => merged(policy, withoutSchema(change)), DEFAULT_POLICY) as Policy
}

function withoutSchema(change: PolicyChange | undefined): Omit<PolicyChange, '$schema'> {
  const { $schema: _, ...rest } = change ?? {}
  return rest
}

/** Objects by their fields; everything else, lists too, is replaced. */
function merged(base: unknown, change: unknown): unknown {
  if (change === undefined) return base
  if (!isObject(base) || !isObject(change)) return change
  return Object.fromEntries([...new Set([...Object.keys(base), ...Object.keys(change)])].map((name) => [name, merged(base[name], change[name])]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
