import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { systemClock, type Clock } from '../core/kernel/clock.ts'
import { CAPABILITY_LIFETIME_MS, createCapabilityStore, type GrantedFile } from './capabilities.ts'
import { createResolveFile } from './resolve-file.ts'

function setUp() {
  const time = { now: 1_000_000 }
  const clock: Clock = { now: () => time.now, sleep: () => Promise.resolve() }
  const gone: string[] = []
  const store = createCapabilityStore({ clock, onGone: (file) => gone.push(file.name) })
  return { time, gone, store }
}

function file(name: string): GrantedFile {
  return { path: `/files/${name}`, name, size: 1, spooled: false }
}

describe('capabilities', () => {
  it('are long, unlike each other, and lead to their file', () => {
    const { store } = setUp()
    const [a, b] = [store.grant(file('a')), store.grant(file('a'))]
    expect(a).toMatch(/^[\w-]{43}$/)
    expect(a).not.toBe(b)
    expect(store.resolve(a)).toEqual(file('a'))
    expect(store.resolve('x'.repeat(43))).toBeNull()
    expect(store.resolve('__proto__')).toBeNull()
  })
  it('end after an hour, and tell so', () => {
    const { store, time, gone } = setUp()
    const a = store.grant(file('a'))
    time.now += CAPABILITY_LIFETIME_MS - 1
    const b = store.grant(file('b'))
    expect(store.resolve(a)).not.toBeNull()
    time.now += 1
    expect([store.resolve(a), gone]).toEqual([null, ['a']])
    expect(store.resolve(b)).not.toBeNull()
  })
  it('can be taken back, one or all, and tell so once', () => {
    const { store, gone } = setUp()
    const [a, b] = [store.grant(file('a')), store.grant(file('b'))]
    store.release(a)
    store.release(a)
    store.clear()
    expect([store.resolve(a), store.resolve(b), gone]).toEqual([null, null, ['a', 'b']])
  })
  it('take an uploaded copy with them, and leave a file of the person alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-granted-'))
    const store = createCapabilityStore({ clock: systemClock })
    for (const name of ['copy', 'own']) {
      writeFileSync(join(folder, name), 'x')
      store.grant({ path: join(folder, name), name, size: 1, spooled: name === 'copy' })
    }
    store.clear()
    await vi.waitFor(() => expect(existsSync(join(folder, 'copy'))).toBe(false))
    expect(existsSync(join(folder, 'own'))).toBe(true)
    rmSync(folder, { recursive: true })
  })
  it('are bounded: the oldest goes', () => {
    const { store, gone } = setUp()
    const first = store.grant(file('first'))
    for (let index = 0; index < 10_000; index++) store.grant(file(`${index}`))
    expect([store.resolve(first), gone]).toEqual([null, ['first']])
  })
})

describe('resolving a file', () => {
  const { store } = setUp()
  const resolve = createResolveFile(store)
  it('gives path and name', () => {
    expect(resolve({ path: '/data/orders.edi' })).toEqual({ path: '/data/orders.edi', name: 'orders.edi' })
    const capability = store.grant({ path: '/spool/upload-1', name: 'orders.edi', size: 5, spooled: true })
    expect(resolve({ capability })).toEqual({ path: '/spool/upload-1', name: 'orders.edi' })
  })
  it.each([
    [{ path: 'orders.edi' }, 'input.invalid'],
    [{ path: '/data/a\0b' }, 'input.invalid'],
    [{ capability: 'y'.repeat(43) }, 'input.not_found'],
  ])('refuses %j', (source, code) => {
    expect(() => resolve(source)).toThrow(expect.objectContaining({ code }))
  })
})
