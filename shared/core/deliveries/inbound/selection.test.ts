import { describe, expect, it } from 'vitest'
import { ReceiveSettings } from '../../../contract/connections/common.ts'
import type { RemoteFile } from '../../protocols/file-protocol.ts'
import { createMatcher, isUnfinished, selectFiles, type KnownFile } from './selection.ts'

const NOW = Date.parse('2026-11-25T10:00:00Z')
const file = (name: string, change: Partial<RemoteFile> = {}): RemoteFile => ({ name, kind: 'file', size: 10, modifiedAt: '2026-11-25T09:00:00.000Z', ...change })
const known = (name: string, change: Partial<KnownFile> = {}): [string, KnownFile] => [name, { size: 10, modifiedAt: null, version: null, unchangedSince: NOW - 60_000, taken: false, ...change }]
const settings = (change: Record<string, unknown> = {}): ReceiveSettings => ReceiveSettings.parse(change)
const names = (files: readonly { name: string }[]): string[] => files.map(({ name }) => name)

describe('what is taken from a listing', () => {
  it('takes what has stayed the same for long enough, oldest first', () => {
    const listing = [file('b.edi', { modifiedAt: '2026-11-25T09:30:00.000Z' }), file('c.edi'), file('a.edi')]
    const selection = selectFiles(listing, new Map([known('a.edi'), known('b.edi'), known('c.edi')]), settings(), NOW)
    expect(names(selection.take)).toEqual(['a.edi', 'c.edi', 'b.edi'])
  })

  it('waits for a file that has just appeared, and says until when', () => {
    const selection = selectFiles([file('new.edi')], new Map([known('new.edi', { unchangedSince: NOW - 4_000 })]), settings({ stableSeconds: 10 }), NOW)
    expect(selection.take).toEqual([])
    expect(selection.waiting).toEqual([{ name: 'new.edi', reason: 'not-stable', ready: NOW + 6_000 }])
    expect(names(selectFiles([file('new.edi')], new Map(), settings({ stableSeconds: 0 }), NOW).take)).toEqual(['new.edi'])
  })

  it('takes nothing twice', () => {
    const selection = selectFiles([file('old.edi')], new Map([known('old.edi', { taken: true })]), settings(), NOW)
    expect([selection.take, names(selection.ignored)]).toEqual([[], ['old.edi']])
  })

  it('ignores folders, hidden and unfinished files, and what fits no pattern', () => {
    const listing = [file('folder', { kind: 'folder' }), file('.hidden'), file('a.edi.filepart'), file('A.PART'), file('x.tmp'), file('notes.txt'), file('test.edi'), file('ok.EDI')]
    const selection = selectFiles(listing, new Map(), settings({ patterns: ['*.edi', '*.part'], except: ['test*'], stableSeconds: 0 }), NOW)
    expect(names(selection.take)).toEqual(['ok.EDI'])
    expect(selection.ignored).toHaveLength(7)
  })

  it('with a marker: takes a file once its marker is there, whatever its age, and never the marker', () => {
    const listing = [file('a.edi'), file('a.edi.done'), file('b.edi'), file('lonely.done')]
    const selection = selectFiles(listing, new Map(), settings({ marker: '.done', stableSeconds: 3600 }), NOW)
    expect(names(selection.take)).toEqual(['a.edi'])
    expect(selection.waiting).toEqual([{ name: 'b.edi', reason: 'no-marker', ready: Infinity }])
    expect(names(selection.ignored)).toEqual(['a.edi.done', 'lonely.done'])
  })
})

describe('patterns', () => {
  it.each([
    ['*', 'anything.at all', true],
    ['*.edi', 'Orders.EDI', true],
    ['*.edi', 'orders.edi.bak', false],
    ['ORDERS_????.csv', 'orders_2026.csv', true],
    ['ORDERS_????.csv', 'orders_26.csv', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['[x].edi', '[x].edi', true],
    ['über*.xml', 'U\u0308ber März.xml', true],
    ['', '', true],
    ['', 'x', false],
  ])('%j fits %j: %s', (pattern, name, expected) => {
    expect(createMatcher([pattern])(name)).toBe(expected)
  })

  it('answers a hostile pair without taking exponential time', () => {
    expect(createMatcher(['*a'.repeat(100)])(`${'a'.repeat(250)}b`)).toBe(false)
  })

  it('knows unfinished files by hidden names and by their endings', () => {
    expect(['.x', 'x.part', 'x.PARTIAL', 'x.upload', 'x.tmp'].every(isUnfinished)).toBe(true)
    expect(['part.edi', 'x.edi', 'tmp'].some(isUnfinished)).toBe(false)
  })
})
