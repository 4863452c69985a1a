import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../../contract/posture.ts'
import { agreements } from './agreements.ts'
import type { ArtefactCase } from './cases.ts'
import { closeServers, exchange } from './exchange.ts'
import { keys } from './keys.ts'
import { newCompany, TOOLS, type Company } from './company.ts'

/** All of it in one company over one stretch of time: each weakness has partners of its own. */
function fromArtefacts(name: string, cases: readonly ArtefactCase[]): void {
  describe.skipIf(TOOLS.absent)(`${name}${TOOLS.note}`, () => {
    let company: Company
    const seen = new Map<number, readonly Finding[]>()

    beforeAll(async () => {
      company = await newCompany()
      const days = [...new Set(cases.flatMap(({ steps, seenOn }) => [...steps.map(({ day }) => day), seenOn]))].toSorted((left, right) => left - right)
      for (const day of days) {
        company.setDay(day)
        for (const { steps, code } of cases)
          for (const step of steps.filter((one) => one.day === day)) {
            try {
              await step.act(company)
            } catch (error) {
              throw new Error(`${code} could not be arranged`, { cause: error })
            }
          }
        if (cases.some(({ seenOn }) => seenOn === day)) seen.set(day, await company.findings())
      }
    }, 120_000)
    afterAll(async () => {
      await company?.close()
      closeServers()
    })

    const concerns = ({ partner, subject, message, evidence }: Finding, name: string): boolean =>
      [partner, subject.id, subject.label].some((one) => one === name || one?.startsWith(`${name}/`) === true) || message.includes(name) || evidence.some(({ value }) => value.split(', ').includes(name))
    const about = (day: number, code: string, name: string): Finding[] => (seen.get(day) ?? []).filter((finding) => finding.code === code && concerns(finding, name))

    it.each(cases.map((one) => [one.code, one] as const))('%s', (code, { hit, near, seenOn }) => {
      expect(about(seenOn, code, hit).length, `${code} about ${hit}; found: ${(seen.get(seenOn) ?? []).filter((one) => concerns(one, hit)).map((one) => one.code).join(' ')}`).toBeGreaterThan(0)
      expect(about(seenOn, code, near)).toEqual([])
    })
  })
}

fromArtefacts('what a person agreed', agreements)
fromArtefacts('files that travel or do not', exchange)
fromArtefacts('certificates and keys that other programs made', keys)
