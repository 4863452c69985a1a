import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY, PolicyChange } from '../../../shared/contract/policy-document.ts'
import { POLICY_SECTIONS, valueAt, withValue } from './policy-fields.ts'

describe('the fields of a policy', () => {
  it('are all that the document can hold, each with a value that holds by default', () => {
    const fields = POLICY_SECTIONS.flatMap((section) => section.fields)
    expect(fields.length).toBeGreaterThan(35)
    for (const { path, kind, title } of fields) {
      const value = valueAt(DEFAULT_POLICY, path)
      expect([path, kind === 'several' ? Array.isArray(value) : typeof value]).toEqual([path, { several: true, switch: 'boolean', number: 'number', choice: 'string' }[kind]])
      expect(title).not.toBe(path)
      expect(PolicyChange.safeParse(withValue({}, path, value)).success).toBe(true)
    }
  })

  it('are set and left out again without a trace', () => {
    const set = withValue(withValue({}, 'roles.sign.rsaBits', 3072), 'tls.minimum', '1.3')
    expect(set).toEqual({ roles: { sign: { rsaBits: 3072 } }, tls: { minimum: '1.3' } })
    expect(withValue(set, 'roles.sign.rsaBits', undefined)).toEqual({ tls: { minimum: '1.3' } })
  })
})
