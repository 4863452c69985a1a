import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RULES } from '../rules/index.ts'
import { agreements } from './agreements.ts'
import { exchange } from './exchange.ts'
import { keys } from './keys.ts'
import { ELSEWHERE, INSTALLATION } from './proved.ts'

const ROOT = join(import.meta.dirname, '../../../..')

describe('every rule', () => {
  it('is held to real artefacts somewhere, with its near miss', () => {
    const proved = new Set([...agreements, ...exchange, ...keys].map(({ code }) => code).concat(INSTALLATION, Object.keys(ELSEWHERE), 'test_key'))
    expect(RULES.map(({ code }) => code).filter((code) => !proved.has(code))).toEqual([])
    expect([...proved].filter((code) => !RULES.some((rule) => rule.code === code))).toEqual([])
  })

  it.each(Object.entries(ELSEWHERE))('%s is named in %s', (code, file) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`'${code}'`)
  })
})
