/** A check that cannot fail proves nothing: each thing that must not be is done once, and must be found. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../shared/contract/audit.ts'
import type { Attempt, Delivery } from '../../shared/contract/deliveries.ts'
import type { DueTime, FlowRun } from '../../shared/contract/flows.ts'
import { checkAudit, checkLedger, checkPlace, checkRuns, type Books, type Place } from './check.ts'
import { onDisk, pickingUp, shaOf } from './sides.ts'

const CONTENTS = new Map(['one.bin', 'two.bin', 'three.bin'].map((name) => [name, Buffer.from(`the content of ${name}`)]))
const EXPECTED = new Map([...CONTENTS].map(([name, content]) => [name, shaOf(content)]))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-check-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const placeAt = (side: Place['side']): Place => ({ name: 'acme: there', partner: 'acme', direction: 'outbound', expected: EXPECTED, side })

describe('what is found at the other side', () => {
  const at = (name: string): string => join(folder, 'in', name)
  beforeEach(() => {
    mkdirSync(join(folder, 'in'))
    for (const [name, content] of CONTENTS) writeFileSync(at(name), content)
  })
  const problems = async (): Promise<string[]> => await checkPlace(placeAt(onDisk(join(folder, 'in'))))

  it('is well when each file is there once and whole', async () => expect(await problems()).toEqual([]))

  it.each<[what: string, harm: () => void, problem: RegExp]>([
    ['one file too many', () => writeFileSync(at('one.bin.1'), 'the content of one.bin'), /there is one\.bin\.1 besides/],
    ['a temporary name left', () => writeFileSync(at('.dlv_1.part'), ''), /there is \.dlv_1\.part besides/],
    ['a file that is not there', () => rmSync(at('two.bin')), /there is not two\.bin/],
    ['one bit changed', () => writeFileSync(at('two.bin'), 'the content of two.bio'), /two\.bin has another content/],
    ['a file that ends early', () => writeFileSync(at('three.bin'), 'the content'), /three\.bin has another content/],
    ['the content of another', () => writeFileSync(at('three.bin'), 'the content of two.bin'), /three\.bin has another content/],
  ])('%s', async (_, harm, problem) => {
    harm()
    expect(await problems()).toEqual([expect.stringMatching(problem)])
  })

  it('a file that came again after the partner had taken the first away', async () => {
    const { sent, undone } = pickingUp(join(folder, 'in'), folder)
    try {
      expect(await checkPlace(placeAt(sent))).toEqual([])
      writeFileSync(at('two.bin'), 'the content of two.bin')
      expect(await checkPlace(placeAt(sent))).toEqual([expect.stringMatching(/there is two\.bin\.again besides/)])
    } finally {
      undone()
    }
  })

  it('a name that a store lists twice', async () => {
    const side = onDisk(join(folder, 'in'))
    expect(await checkPlace(placeAt({ ...side, names: async () => [...(await side.names()), 'one.bin'] }))).toEqual([expect.stringMatching(/twice there is one\.bin/)])
  })
})

/** Only what the check reads. */
const part = <T>(facts: Partial<T>): T => facts as T
const delivery = (id: string, fileName: string, more: Partial<Delivery> = {}): Delivery =>
  part<Delivery>({ id, partner: 'acme', direction: 'outbound', fileName, sha256: EXPECTED.get(fileName) ?? '', state: 'delivered', attempts: 1, error: null, ...more })
const event = (type: string, id: string, state: string): AuditEvent => part<AuditEvent>({ type, subject: { kind: 'delivery', id }, data: { state } })
const attempt = (result: Attempt['result']): Attempt => part<Attempt>({ result })

const NAMES = [...EXPECTED.keys()]
const idOf = (name: string): string => `dlv_${name}`
const good = (): { -readonly [Part in keyof Books]: Books[Part] } => ({
  deliveries: NAMES.map((name) => delivery(idOf(name), name, name === 'two.bin' ? { attempts: 2 } : {})),
  attempts: new Map([[idOf('two.bin'), [attempt('failed'), attempt('delivered')]]]),
  events: NAMES.flatMap((name) => [event('delivery.created', idOf(name), 'queued'), event('delivery.delivered', idOf(name), 'delivered')]),
  runs: [],
  due: new Map(),
})

describe('what the books say', () => {
  const place = (): Place => placeAt(onDisk(folder))
  const problems = (books: Books): string[] => [...checkLedger([place()], books), ...checkAudit(books)]

  it('is well when ledger and audit have each file once', () => expect(problems(good())).toEqual([]))

  it.each<[what: string, harm: (books: ReturnType<typeof good>) => void, ...problems: RegExp[]]>([
    ['a file that the ledger does not have', (books) => void (books.deliveries = books.deliveries.slice(1)), /has 0 deliveries of one\.bin/, /has 2 deliveries for 3/, /tells of dlv_one\.bin, which the ledger does not have/],
    ['a file delivered under two numbers', (books) => {
      books.deliveries = [...books.deliveries, delivery('dlv_again', 'one.bin')]
      books.events = [...books.events, event('delivery.created', 'dlv_again', 'queued'), event('delivery.delivered', 'dlv_again', 'delivered')]
    }, /has 2 deliveries of one\.bin/, /has 4 deliveries for 3/],
    ['another content in the ledger', (books) => void (books.deliveries = books.deliveries.with(0, delivery(idOf('one.bin'), 'one.bin', { sha256: '00' }))), /has 0 deliveries of one\.bin/],
    ['a delivery that waits for somebody', (books) => void (books.deliveries = books.deliveries.with(0, delivery(idOf('one.bin'), 'one.bin', { state: 'unknown' }))), /dlv_one\.bin is unknown/, /arrival of dlv_one\.bin, which is unknown, 1 times/],
    ['an attempt that never ended', (books) => void (books.attempts = new Map([[idOf('two.bin'), [attempt('running'), attempt('delivered')]]])), /attempt that never ended/],
    ['two attempts that delivered', (books) => void (books.attempts = new Map([[idOf('two.bin'), [attempt('delivered'), attempt('delivered')]]])), /delivered by more than one attempt/],
    ['an attempt that is not in its row', (books) => void (books.attempts = new Map([[idOf('two.bin'), [attempt('delivered')]]])), /has 1 attempts and says 2/],
    ['an arrival that the audit does not tell', (books) => void (books.events = books.events.filter(({ type, subject }) => type === 'delivery.created' || subject.id !== idOf('one.bin'))), /arrival of dlv_one\.bin, which is delivered, 0 times/],
    ['an arrival that the audit tells twice', (books) => void (books.events = [...books.events, event('delivery.resolved', idOf('one.bin'), 'delivered')]), /arrival of dlv_one\.bin, which is delivered, 2 times/],
    ['a beginning that the audit does not tell', (books) => void (books.events = books.events.slice(1)), /beginning of dlv_one\.bin 0 times/],
  ])('%s', (_, harm, ...expected) => {
    const books = good()
    harm(books)
    expect(problems(books)).toEqual(expected.map((problem) => expect.stringMatching(problem)))
  })
})

describe('what the runs say', () => {
  const at = (second: number): string => new Date(second * 1000).toISOString()
  const run = (second: number, more: Partial<FlowRun> = {}): FlowRun => part<FlowRun>({ flow: 'from-acme', dueAt: at(second), endedAt: at(second), outcome: 'nothing', ...more })
  const due = (...seconds: number[]): Books['due'] => new Map([['from-acme', seconds.map((second) => part<DueTime>({ at: at(second) }))]])
  const everyMs = new Map([['from-acme', 2000]])
  const problems = (books: Partial<Books>): string[] => checkRuns({ ...good(), runs: [run(2), run(4), run(6, { dueAt: null })], due: due(6, 4, 2), ...books }, everyMs, 7000)

  it('is well when each due time has one row and ran at most once', () => expect(problems({})).toEqual([]))
  it('a due time that ran twice', () => expect(problems({ runs: [run(2), run(2)] })).toEqual([expect.stringMatching(/ran twice: from-acme/)]))
  it('a run that never ended', () => expect(problems({ runs: [run(2, { outcome: 'running', endedAt: null })] })).toEqual([expect.stringMatching(/never ended/)]))
  it('a due time without a row', () => expect(problems({ due: due(2, 6) })).toEqual([expect.stringMatching(/from-acme: no row between 1970-01-01T00:00:02\.000Z/)]))
  it('no row is asked for beyond the present: the clock was set back', () => expect(problems({ due: due(2, 4, 6, 20) })).toEqual([]))
  it('two rows for one due time', () => expect(problems({ due: due(2, 2, 4) })).toEqual([expect.stringMatching(/no row between/)]))
  it('a flow that was never due', () => expect(problems({ due: new Map() })).toEqual([expect.stringMatching(/never due/)]))
})
