import { createHash, randomBytes, randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRecentContents } from './recent-contents.ts'

describe('recent contents', () => {
  it('come back as they were, or not at all, however they chase each other around', () => {
    const recent = createRecentContents(10_000)
    const all = new Map<string, Buffer>()
    for (let count = 0; count < 2000; count++) {
      const content = randomBytes(count % 3 === 0 ? 0 : randomInt(0, 900))
      const sha256 = createHash('sha256').update(content).digest('hex')
      recent.put(sha256, content)
      all.set(sha256, content)
      if (content.length > 0) expect(recent.get(sha256)?.equals(content)).toBe(true)
      if (count % 7 === 0) recent.forget(sha256)
      if (count % 50 !== 0) continue
      for (const [name, bytes] of all) expect(recent.get(name)?.equals(bytes) ?? true).toBe(true)
    }
    expect([...all.keys()].filter((name) => recent.get(name) !== undefined).length).toBeGreaterThan(5)
  })

  it('that are too large or forgotten are not kept', () => {
    const recent = createRecentContents(100)
    recent.put('large', Buffer.alloc(101))
    recent.put('small', Buffer.alloc(100, 1))
    expect([recent.get('large'), recent.get('small')]).toEqual([undefined, Buffer.alloc(100, 1)])
    recent.forget('small')
    expect(recent.get('small')).toBeUndefined()
  })

  it('are not changed by what comes later, nor by who got them', () => {
    const recent = createRecentContents(100)
    recent.put('a', Buffer.alloc(60, 1))
    const mine = recent.get('a')
    recent.put('b', Buffer.alloc(60, 2))
    expect([recent.get('a'), mine]).toEqual([undefined, Buffer.alloc(60, 1)])
    recent.get('b')?.fill(9)
    expect(recent.get('b')).toEqual(Buffer.alloc(60, 2))
  })
})
