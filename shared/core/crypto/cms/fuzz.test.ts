import { describe, expect, it } from 'vitest'
import { asn1Mutations } from '../fuzzing/asn1-mutations.ts'
import { byteMutations, mutate } from '../fuzzing/mutations.ts'
import { seededRandom } from '../fuzzing/random.ts'
import { fuzz } from '../fuzzing/run.ts'
import { cmsTargets, isExpected } from './fuzz-targets.ts'

describe('the fuzzer', () => {
  it('gets nothing but CmsErrors out of the readers', async () => {
    const report = await fuzz({ seed: 7, inputs: 1600, targets: await cmsTargets(), expected: isExpected })
    expect(report.failures.map(({ target, what, input }) => `${target}: ${what} ${input.toString('base64')}`)).toEqual([])
    expect(report.accepted['decrypt']).toBeGreaterThan(0)
  })

  it('makes the same inputs from the same seed, and most of them differ from what they were made of', () => {
    const input = Buffer.from('30090203010203040280ff', 'hex')
    const made = (seed: number): string[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 200 }, () => mutate(input, { random, mutations: [...asn1Mutations, ...byteMutations], others: [input] }).toString('hex'))
    }
    expect(made(1)).toEqual(made(1))
    expect(made(1)).not.toEqual(made(2))
    expect(made(1).filter((one) => one !== input.toString('hex')).length).toBeGreaterThan(150)
  })

  it('reports what is not expected, with the input', async () => {
    const target = { name: 'broken', corpus: [Buffer.from('abc')], mutations: byteMutations, read: (input: Buffer) => { if (input.length > 2) throw new TypeError('oops') } }
    const { failures } = await fuzz({ seed: 1, inputs: 100, targets: [target], expected: () => false })
    expect(failures.length).toBeGreaterThan(5)
    expect(failures[0]).toMatchObject({ target: 'broken', what: expect.stringContaining('oops') as string })
  })
})
