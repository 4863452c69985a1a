import { assert, oneof, property, string, constantFrom, array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../kernel/errors.ts'
import { keySpace } from './keys.ts'

const hostile = oneof(
  string({ unit: 'binary', maxLength: 80 }),
  string({ unit: 'grapheme', maxLength: 80 }),
  array(constantFrom('..', '.', '/', '\\', '%2e', '%2F', '%00', 'a', '', '//', '\u0000', '\u2024', '\uD800', 'é', 'e\u0301'), { maxLength: 12 }).map((parts) => parts.join('')),
)
const settings = { prefix: 'acme/in/' }

/** What a proxy or gateway on the way might make of a key: decoded and with its dots resolved. */
function resolved(key: string): string {
  const path: string[] = []
  for (const part of decoded(key).split(/[/\\]/)) {
    if (part === '..') path.pop()
    else if (part !== '.') path.push(part)
  }
  return path.join('/')
}
function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

describe('the boundary', () => {
  it('holds for every name: its key lies directly below prefix and folder, or there is none', () => {
    const keys = keySpace(settings, 'orders')
    assert(
      property(hostile, (name) => {
        try {
          const key = keys.keyOf(name)
          expect(key).toBe(`acme/in/orders/${name}`)
          expect(name).not.toMatch(/[/\\]/)
          // As it is written into a URL: percent signs of the name are encoded themselves, so that nobody decodes them into a path.
          expect(resolved(`acme/in/orders/${encodeURIComponent(name)}`)).toBe(`acme/in/orders/${name}`)
          expect(keys.nameOf(key)).toBe(name)
        } catch (error) {
          if (!(error instanceof AppError)) throw error
          expect(error.code).toBe('remote.name_refused')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('holds for every folder: below the prefix, or refused', () => {
    assert(
      property(hostile, (folder) => {
        try {
          const { root } = keySpace(settings, folder)
          expect(root.startsWith('acme/in/')).toBe(true)
          expect(resolved(root.replaceAll('%', '%25')).startsWith('acme/in')).toBe(true)
          expect(root.split('/').slice(0, -1).some((part) => part === '' || part === '.' || part === '..')).toBe(false)
        } catch (error) {
          if (!(error instanceof AppError)) throw error
          expect(error.code).toBe('remote.folder_missing')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(['..', '.', '', 'a/b', '../x', 'a\\b', 'a\u0000b', 'a\nb', '\uD800'])('has no key for the name %j', (name) => {
    expect(() => keySpace(settings, '.').keyOf(name)).toThrow(expect.objectContaining({ code: 'remote.name_refused' }))
  })

  it.each(['%2e%2e', '..a', 'a..', '...', ' ', '%2F', '名前'])('takes %j as the ordinary name that it is', (name) => {
    expect(keySpace(settings, '.').keyOf(name)).toBe(`acme/in/${name}`)
  })

  it.each(['..', '../out', 'a/../../out', '/out', 'a//b', './a', 'a\u0000'])('has no folder %j', (folder) => {
    expect(() => keySpace(settings, folder)).toThrow(expect.objectContaining({ code: 'remote.folder_missing' }))
  })

  it('ignores what a server lists from elsewhere', () => {
    const keys = keySpace(settings, '.')
    expect(['acme/in/a', 'acme/in/', 'acme/in/b/c', 'acme/out/a', 'acme/in/..', '/etc/passwd'].map((key) => keys.nameOf(key))).toEqual(['a', null, null, null, null, null])
  })

  it('refuses a key that S3 would not take', () => {
    expect(() => keySpace(settings, '.').keyOf('é'.repeat(512))).toThrow(expect.objectContaining({ code: 'remote.name_refused' }))
  })
})
