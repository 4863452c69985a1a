import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLocalDigests, createRunningDigests } from './digest-forms.ts'
import { candidatesOf, createDigestSet, digestWhile, findDigest, type DigestForm } from './index.ts'

const hash = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')
const canonical = (text: string): string => text.replaceAll(/\r\n|\r|\n/g, '\r\n')

/** What the README of this folder says, on strings. */
function reference(text: string, form: DigestForm): string {
  if (form === 'raw') return text
  if (form === 'canonical') return canonical(text)
  const end = /(?:^|\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)/.exec(text)
  if (end === null) return canonical(text)
  const at = end.index + end[0].length
  return canonical(text.slice(0, at)) + text.slice(at)
}

/** Also more than the eight octets that are looked at together, and those that differ from a line end in one bit. */
const text = fc.array(fc.constantFrom('a', ':', '\r', '\n', '\r\n', '\r\n\r\n', 'bcd', 'a line of some length', '\u008A\u008D\u000B\u000C\u000E\u0000\u00FF\t'), { maxLength: 40 }).map((parts) => parts.join(''))

describe('the digests of all forms', () => {
  it.each([
    ['gathered', createLocalDigests],
    ['running, as those of a large content', createRunningDigests],
  ])('are those of the whole text, however it is cut into chunks: %s', (_, create) => {
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 }), (content, cuts) => {
        const set = create({ algorithms: ['sha256'] })
        let from = 0
        for (const cut of [...cuts.toSorted((a, b) => a - b), content.length]) {
          set.update(Buffer.from(content.slice(from, cut), 'latin1'))
          from = Math.max(from, cut)
        }
        const found = set.finish()
        expect(found).toEqual(candidatesOf(Buffer.from(content, 'latin1'), ['sha256']))
        for (const form of ['raw', 'canonical', 'header-canonical'] as const) {
          const whole = reference(content, form)
          const hex = (ending: 'as-is' | 'crlf-added' | 'crlf-removed'): string | undefined => {
            const digest = findDigest(found, { algorithm: 'sha256', form, ending })
            return digest === undefined ? undefined : Buffer.from(digest).toString('hex')
          }
          expect(hex('as-is')).toBe(hash(whole))
          expect(hex('crlf-added')).toBe(hash(`${whole}\r\n`))
          expect(hex('crlf-removed')).toBe(whole.endsWith('\r\n') ? hash(whole.slice(0, -2)) : undefined)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([65_535, 65_536, 65_537, 200_000])('are the same of %i octets whose chunks are reused, in part or as a whole', (size) => {
    const content = Buffer.from('Head: er\n\n'.padEnd(size - 2, 'a line\n') + '\r\n')
    const set = createLocalDigests({ algorithms: ['sha256', 'sha1'] })
    const reused = Buffer.alloc(10_000)
    for (let at = 0; at < size; at += reused.length) set.update(reused.subarray(0, content.copy(reused, 0, at)))
    reused.fill(0)
    expect(set.finish()).toEqual(candidatesOf(content, ['sha256', 'sha1']))
  })

  it('are the same when a thread of its own computes them, also of chunks that are reused afterwards', async () => {
    const content = Buffer.from('Content-Type: text/plain\r\n\r\n' + 'a line\n'.repeat(2_000_000) + '\r')
    const set = createDigestSet({ algorithms: ['sha256', 'md5'], parallel: true })
    const reused = Buffer.alloc(1_300_001)
    for (let at = 0; at < content.length; at += reused.length) {
      const bytes = content.copy(reused, 0, at)
      await set.update(reused.subarray(0, bytes))
    }
    expect(await set.finish()).toEqual(candidatesOf(content, ['sha256', 'md5']))
  })

  it('can be given up in the thread, which then takes the next content', async () => {
    for (let round = 0; round < 3; round++) {
      const set = createDigestSet({ algorithms: ['sha256'], parallel: true })
      const source = Array.from({ length: 20 }, () => Buffer.alloc(1_000_000, 'x'))
      let seen = 0
      for await (const chunk of digestWhile(source, set)) if ((seen += chunk.length) > 10_000_000) break
      await expect(set.finish()).rejects.toThrow('given up')
    }
  })

  it('come in the order of preference', () => {
    expect(candidatesOf(Buffer.from('a\n'), ['sha256']).map(({ form, ending }) => `${form} ${ending}`).slice(0, 4)).toEqual(['raw as-is', 'canonical as-is', 'header-canonical as-is', 'raw crlf-added'])
  })
})
