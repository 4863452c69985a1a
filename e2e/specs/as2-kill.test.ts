/** Sender or receiver dies at any moment: in the end each message was delivered exactly once, and both ledgers say so. */
import { randomBytes, randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as2Pair, type Company, type Service } from '../servers/as2-pair.ts'
import { collect } from '../servers/waybill.ts'
import { killMoments, sha } from './killing.ts'

const MOMENTS = killMoments(6)
const SIZE = 3 * 1024 * 1024

interface Row {
  readonly id: string
  readonly state: string
  readonly remoteName: string
  readonly sha256: string
}

describe('AS2 between two processes of ours that are killed', () => {
  let pair: Awaited<ReturnType<typeof as2Pair>>
  let left: Company
  let right: Company
  let service: Service
  const sent = new Map<string, string>()

  beforeAll(async () => {
    pair = await as2Pair()
    ;({ left, right } = pair)
    service = await right.serve()
  })
  afterAll(async () => {
    service?.process.kill('SIGKILL')
    await service?.ended
    pair?.remove()
  })

  const list = async (company: Company, direction: string): Promise<Row[]> => (await company.here.run('--json', 'deliveries', 'list', '--direction', direction, '--limit', '1000')).json<{ deliveries: Row[] }>().deliveries
  const inbox = (): string[] => readdirSync(join(right.here.workspace, 'partners', 'acme', 'Inbox'))

  /** Retries as an operator would, until it is delivered; bounded. */
  async function finish(name: string, path: string): Promise<void> {
    for (let tries = 0; tries < 10; tries++) {
      const row = (await list(left, 'outbound')).find(({ remoteName }) => remoteName === name)
      if (row?.state === 'delivered') return
      await (row === undefined ? left.here.run('send', 'acme', path, '--as', name) : left.here.run('deliveries', 'retry', row.id))
    }
    throw new Error(`${name} was not delivered`)
  }

  async function sendAndKill(name: string, whole: number, kill: (child: ReturnType<Company['here']['start']>) => Promise<void>): Promise<void> {
    const content = randomBytes(SIZE)
    const path = left.here.file('next.bin', content)
    sent.set(name, sha(content))
    const child = left.here.start('send', 'acme', path, '--as', name)
    child.stdin?.end()
    const ended = collect(child)
    await sleep(randomInt(Math.ceil(whole * 1.1)))
    await kill(child)
    await ended
    await finish(name, path)
  }

  async function timeOne(name: string): Promise<number> {
    const began = performance.now()
    const content = randomBytes(SIZE)
    sent.set(name, sha(content))
    const { exit, err } = await left.here.run('send', 'acme', left.here.file('warm-up.bin', content), '--as', name)
    expect(exit, err).toBe(0)
    return performance.now() - began
  }

  it(`the sender, at ${MOMENTS} random moments`, async () => {
    const whole = await timeOne('warm-up-1.bin')
    for (let moment = 0; moment < MOMENTS; moment++) await sendAndKill(`sender-${moment}.bin`, whole, async (child) => void (await Promise.resolve(child.kill('SIGKILL'))))
  }, 900_000)

  it(`the receiver, at ${MOMENTS} random moments`, async () => {
    const whole = await timeOne('warm-up-2.bin')
    for (let moment = 0; moment < MOMENTS; moment++)
      await sendAndKill(`receiver-${moment}.bin`, whole, async () => {
        service.process.kill('SIGKILL')
        await service.ended
        service = await right.serve()
      })
  }, 900_000)

  it('each message is there once and whole, and both ledgers agree', async () => {
    for (let tries = 0; tries < 100 && inbox().filter((name) => !name.startsWith('.')).length < sent.size; tries++) await sleep(50)
    const [ours, theirs] = [await list(left, 'outbound'), await list(right, 'inbound')]
    const byHash = (rows: readonly Row[]): string[] => rows.map(({ sha256, state }) => `${sha256} ${state}`).toSorted()
    expect(byHash(theirs)).toEqual(byHash(ours))
    expect(ours.map(({ sha256 }) => sha256).toSorted()).toEqual([...sent.values()].toSorted())
    expect(ours.every(({ state }) => state === 'delivered')).toBe(true)
    const files = inbox()
    expect(files.map((name) => sha(readFileSync(join(right.here.workspace, 'partners', 'acme', 'Inbox', name)))).toSorted()).toEqual([...sent.values()].toSorted())
    for (const company of [left, right]) expect((await company.here.run('audit', 'verify')).exit).toBe(0)
  })
})
