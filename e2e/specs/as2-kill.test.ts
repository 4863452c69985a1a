/** Sender and receiver die at any moment, again and again: in the end each message was delivered exactly once, and both ledgers say so. */
import { randomBytes, randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { as2Pair, type Company, type Service } from '../servers/as2-pair.ts'
import { clientOf } from '../servers/service-client.ts'
import { killMoments, sha } from './killing.ts'

const MOMENTS = killMoments(50)
/** Messages that are handed over before each kill: small ones, and one that takes a while. */
const SIZES = [300, 20_000, 20_000, 20_000, 150_000, 1_500_000]
/** The last moment of a round. */
const LONGEST_MS = 350
const AT_REST = ['waiting', 'unknown', 'failed', 'disputed'] as const

describe('AS2 between two processes of ours that are killed', () => {
  let pair: Awaited<ReturnType<typeof as2Pair>>
  let left: Company
  let right: Company
  const running = new Map<Company, Service>()
  /** SHA-256 by the name under which it was sent. */
  const sent = new Map<string, string>()

  const start = async (company: Company): Promise<void> => void running.set(company, await company.serve())
  const kill = async (company: Company): Promise<void> => {
    const service = running.get(company)
    service?.process.kill('SIGKILL')
    await service?.ended
  }

  beforeAll(async () => {
    pair = await as2Pair({ maxConnections: 4, inbound: { maxParallel: 8 }, message: { together: true } })
    ;({ left, right } = pair)
    await Promise.all([start(left), start(right)])
  }, 60_000)
  afterAll(async () => {
    await Promise.all([left, right].map(async (company) => await kill(company)))
    pair?.remove()
  })

  /** Hands files over to the sender, as one message or each as its own; that it dies before it has answered is one of the moments. */
  const hand = async (client: WaybillClient, names: readonly string[], together: boolean): Promise<void> => {
    const files = names.map((name) => ({ source: { path: join(left.here.files, name) } }))
    const messages = together ? [files] : files.map((file) => [file])
    await Promise.all(messages.map(async (some) => await client.deliveries.send({ partner: 'acme', files: some }).catch(() => undefined)))
  }

  const outbound = async (client: WaybillClient): ReturnType<WaybillClient['deliveries']['list']> => await client.deliveries.list({ limit: 1000, direction: 'outbound' })

  /** What an operator does: what was not taken over is handed over again, what waits is tried now. */
  const goOn = async (client: WaybillClient): Promise<void> => {
    const { deliveries } = await outbound(client)
    const known = new Set(deliveries.map(({ remoteName }) => remoteName))
    const lost = [...sent.keys()].filter((name) => !known.has(name))
    if (lost.length > 0) await hand(client, lost, false)
    for (const { id, state } of deliveries) if (AT_REST.some((one) => one === state)) await client.deliveries.retry({ id }).catch(() => undefined)
  }

  const writeFiles = (round: number): string[] =>
    SIZES.map((size, index) => {
      const name = `round-${round}-${index}.bin`
      const content = randomBytes(size)
      left.here.file(name, content)
      sent.set(name, sha(content))
      return name
    })

  it(`both, each at ${MOMENTS} random moments`, async () => {
    for (let round = 0; round < MOMENTS; round++) {
      const names = writeFiles(round)
      const client = await clientOf(left.here.workspace)
      const work = goOn(client).then(async () => await hand(client, names, round % 2 === 1))
      work.catch(() => undefined)
      await Promise.all(
        [left, right].map(async (company) => {
          await sleep(randomInt(LONGEST_MS))
          await kill(company)
        }),
      )
      await work.catch(() => undefined)
      client.close()
      await Promise.all([start(left), start(right)])
    }
    expect(sent.size).toBe(MOMENTS * SIZES.length)
  }, 900_000)

  it('each message is there once and whole, and both ledgers agree', async () => {
    const client = await clientOf(left.here.workspace)
    const open = async (): Promise<string[]> => (await outbound(client)).deliveries.filter(({ state }) => state !== 'delivered').map(({ remoteName, state, error }) => `${remoteName} ${state} ${error?.code ?? ''}`)
    for (let tries = 0; tries < 300 && ((await open()).length > 0 || (await outbound(client)).total < sent.size); tries++) {
      await goOn(client)
      await sleep(200)
    }
    expect(await open()).toEqual([])
    const folder = join(right.here.workspace, 'partners', 'acme', 'Inbox')
    for (let tries = 0; tries < 300 && readdirSync(folder).filter((name) => !name.startsWith('.')).length < sent.size; tries++) await sleep(100)

    const other = await clientOf(right.here.workspace)
    const byHash = (rows: readonly { sha256: string; state: string }[]): string[] => rows.map(({ sha256, state }) => `${sha256} ${state}`).toSorted()
    const expected = [...sent.values()].map((hash) => `${hash} delivered`).toSorted()
    const arrived = async (): Promise<string[]> => byHash((await other.deliveries.list({ limit: 1000, direction: 'inbound' })).deliveries)
    for (let tries = 0; tries < 100 && (await arrived()).some((row) => !row.endsWith(' delivered')); tries++) await sleep(100)
    expect(byHash((await outbound(client)).deliveries)).toEqual(expected)
    expect(await arrived()).toEqual(expected)
    expect(readdirSync(folder).map((name) => sha(readFileSync(join(folder, name)))).toSorted()).toEqual([...sent.values()].toSorted())
    for (const one of [client, other]) {
      expect(await one.audit.verify({})).toMatchObject({ ok: true })
      one.close()
    }
  }, 300_000)
})
