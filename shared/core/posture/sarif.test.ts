import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Finding } from '../../contract/posture.ts'
import { exportOf } from './export.ts'
import { RULES } from './rules/index.ts'
import { as2, found, partner, sftp, world } from './rules/test-world.ts'

const Text = z.strictObject({ text: z.string().min(1) })
const Level = z.enum(['none', 'note', 'warning', 'error'])

/** What the schema of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json) demands of the parts that are used: required fields, enumerations, no others. */
const Sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string().min(1),
            version: z.string().min(1),
            rules: z.array(z.strictObject({ id: z.string().min(1), name: z.string().min(1), shortDescription: Text, fullDescription: Text, defaultConfiguration: z.strictObject({ level: Level }) })),
          }),
        }),
        results: z.array(
          z.strictObject({
            ruleId: z.string().min(1),
            ruleIndex: z.number().int().min(0),
            level: Level,
            message: Text,
            locations: z.array(z.strictObject({ logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string().min(1), kind: z.string().min(1) })).min(1) })),
            partialFingerprints: z.record(z.string(), z.string().min(1)),
            properties: z.record(z.string(), z.unknown()),
            suppressions: z.array(z.strictObject({ kind: z.enum(['inSource', 'external']), status: z.enum(['accepted', 'underReview', 'rejected']), justification: z.string().min(1) })).optional(),
          }),
        ),
      }),
    )
    .min(1),
})

describe('SARIF', () => {
  it('is what the schema demands, each rule once, each result at its rule', () => {
    const at = '2026-06-01T00:00:00.000Z'
    const findings = found(world({ items: [], partners: [partner([sftp(), as2({ message: { digest: 'sha1' } })])] })).map((one, index): Finding => ({
      ...one, firstSeen: at, lastSeen: at, resolvedAt: null, reappeared: 0, state: index === 0 ? 'suppressed' : 'open',
      suppression: index === 0 ? { reason: 'moves next week', owner: 'Ms Ito', until: '2026-07-01', at, by: 'cli:tester' } : null,
    }))
    expect(findings.length).toBeGreaterThan(4)
    const rules = RULES.map((rule) => ({ ...rule, sources: [...rule.sources] }))
    const { runs } = Sarif.parse(JSON.parse(exportOf(findings, rules, 'sarif', { at, version: '1.0.0' }).text))
    const [run] = runs
    const known = run?.tool.driver.rules.map(({ id }) => id) ?? []
    expect(new Set(known).size).toBe(known.length)
    for (const { ruleId, ruleIndex } of run?.results ?? []) expect(known[ruleIndex]).toBe(ruleId)
    expect(run?.results.filter(({ suppressions }) => suppressions !== undefined)).toHaveLength(1)
  })
})
