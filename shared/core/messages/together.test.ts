/** Several files in one message when it does not go smoothly: whatever happens to the message happens to each of its files, whichever is named. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { buildMdn, type HeaderPair } from '../protocols/as2/message/index.ts'
import { as2Partner, context, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

const FILES = [['a.edi', 'first'], ['b.edi', 'the second one'], ['c.bin', '']] as const

describe('several files in one AS2 message, when something is wrong', () => {
  let us: TestStation
  let partner: Identity
  let server: Server
  let url: string
  let answer: (response: ServerResponse, request: IncomingMessage) => void
  /** Message-IDs as they came. */
  const came: string[] = []
  let ahead = 0

  beforeEach(async () => {
    ahead = 0
    came.length = 0
    us = await testStation('US', { clock: { ...systemClock, now: () => systemClock.now() + ahead } })
    partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
    server = createServer((request, response) => {
      came.push(String(request.headers['message-id']))
      request.resume().on('end', () => answer(response, request))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}/as2`
    apply({})
    us.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'partner', connection: 'as2' })
  })
  afterEach(async () => {
    server.close()
    server.closeAllConnections()
    await us.close()
  })

  const apply = (change: Readonly<Record<string, unknown>>, at = url): void => us.partner(as2Partner('partner', 'PARTNER', at, { message: { together: true }, ...change }))
  const wait = async (ids: readonly string[]): Promise<Delivery[]> => (await us.handlers().deliveries.wait({ ids: [...ids] }, context)).deliveries as Delivery[]
  const send = async (): Promise<Delivery[]> => {
    const { results } = await us.handlers().deliveries.send({ partner: 'partner', files: FILES.map(([name, content]) => ({ source: { path: us.file(name, content) } })) }, context)
    return await wait(results.map(({ delivery }) => delivery?.id ?? ''))
  }
  const show = async (all: readonly Delivery[]): Promise<Delivery[]> => (await Promise.all(all.map(async ({ id }) => await us.handlers().deliveries.show({ id }, context)))).map(({ delivery }) => delivery as Delivery)
  const states = async (all: readonly Delivery[]): Promise<string[]> => (await show(all)).map(({ state, outcome }) => `${state} ${String(outcome)}`)
  const retry = async (id: string): Promise<void> => {
    await us.handlers().deliveries.retry({ id }, context)
    await wait([id])
  }
  const all = (state: string): string[] => FILES.map(() => state)
  const says = (status: number): void => {
    answer = (response) => response.writeHead(status).end()
  }
  const messageOf = async (id: string): Promise<{ messageId: string; mics: readonly { algorithm: string; value: string }[] }> => {
    const { message } = await us.handlers().as2.message({ delivery: id }, context)
    if (message === null) throw new Error('no message')
    return message
  }
  const receiptFor = async (id: string, change: Partial<Parameters<typeof buildMdn>[0]> = {}): Promise<ReturnType<typeof buildMdn>> => {
    const { messageId, mics } = await messageOf(id)
    const mic = mics.find(({ algorithm }) => algorithm === 'sha256')
    return buildMdn({ as2From: 'PARTNER', as2To: 'US', disposition: { kind: 'processed' }, originalMessageId: messageId, mic: { algorithm: 'sha256', value: mic?.value ?? '' }, sign: { signer: partner }, ...change })
  }
  const receives = (mdn: { headers: readonly HeaderPair[]; body: Uint8Array }): void => {
    answer = (response) => response.writeHead(200, mdn.headers.flat()).end(mdn.body)
  }

  it('cancel: none goes, and nothing is posted for any of them afterwards', async () => {
    apply({}, 'http://127.0.0.1:1/')
    const sent = await send()
    expect(await states(sent)).toEqual(all('waiting null'))
    await us.handlers().deliveries.cancel({ id: sent[1]!.id }, context)
    expect(await states(sent)).toEqual(all('cancelled not-delivered'))
    apply({})
    says(200)
    await us.restart()
    ahead += 86_400_000
    // The same files may go again, since none of them is under way any more.
    const again = await send()
    expect(new Set(again.map(({ id }) => id)).size).toBe(3)
    expect(await states(sent)).toEqual(all('cancelled not-delivered'))
    expect(new Set(came)).toEqual(new Set([(await messageOf(again[0]!.id)).messageId]))
  })

  it('cancel: not once they may have arrived', async () => {
    says(200)
    const sent = await send()
    expect(await states(sent)).toEqual(all('unknown unknown'))
    for (const { id } of sent) await expect(Promise.resolve().then(async () => await us.handlers().deliveries.cancel({ id }, context))).rejects.toMatchObject({ code: 'input.conflict' })
  })

  it('unknown, and retried: the same message once more, with each file noted as tried', async () => {
    says(500)
    const sent = await send()
    expect(await states(sent)).toEqual(all('unknown unknown'))
    receives(await receiptFor(sent[0]!.id))
    await retry(sent[2]!.id)
    expect(await states(sent)).toEqual(all('delivered delivered'))
    expect(new Set(came).size).toBe(1)
    for (const { id } of sent) {
      const { attempts } = await us.handlers().deliveries.show({ id }, context)
      expect(attempts.map(({ result }) => result)).toEqual(['unknown', 'delivered'])
      // What was negotiated is a fact of every file of the message.
      for (const { observed } of attempts) expect(observed).toMatchObject({ messageId: came[0], encrypted: 'aes-256-cbc', signed: expect.stringContaining('sha256') as string })
    }
  })

  it('unknown, and a person knows that they arrived: each is proved by its own name and size', async () => {
    says(200)
    const sent = await send()
    await us.handlers().deliveries.resolve({ id: sent[1]!.id, outcome: 'delivered', reason: 'Ms Ito sees all three' }, context)
    const resolved = await show(sent)
    expect(resolved.map(({ state }) => state)).toEqual(all('delivered'))
    expect(resolved.map(({ receipt }) => (receipt?.kind === 'operator' ? [receipt.remotePath, receipt.size] : null))).toEqual(FILES.map(([name, content]) => [name, content.length]))
  })

  it('unknown, and a person knows that they did not: what goes next is a new message with all of them', async () => {
    says(200)
    const sent = await send()
    await us.handlers().deliveries.resolve({ id: sent[2]!.id, outcome: 'not-delivered', reason: 'nothing came there' }, context)
    expect(await states(sent)).toEqual(all('failed not-delivered'))
    await retry(sent[1]!.id)
    expect(new Set(came).size).toBe(2)
    expect((await us.handlers().as2.message({ delivery: sent[1]!.id }, context)).message).toMatchObject({ messageId: came.at(-1), deliveries: sent.map(({ id }) => id) })
    receives(await receiptFor(sent[0]!.id))
    await retry(sent[0]!.id)
    expect(await states(sent)).toEqual(all('delivered delivered'))
  })

  it('refused by a receipt: all of them failed, and go again together as a new message; but not beside a copy of one of them', async () => {
    says(500)
    const sent = await send()
    receives(await receiptFor(sent[0]!.id, { disposition: { kind: 'error', modifier: 'decryption-failed' } }))
    await retry(sent[0]!.id)
    expect(await states(sent)).toEqual(all('failed not-delivered'))
    // One of the files went alone meanwhile.
    says(500)
    const [, [name, content]] = FILES
    const alone = await us.send('partner', us.file(name, content))
    expect(alone).toMatchObject({ state: 'unknown' })
    await expect(Promise.resolve().then(async () => await us.handlers().deliveries.retry({ id: sent[0]!.id }, context))).rejects.toMatchObject({ code: 'delivery.duplicate', details: { delivery: alone.id } })
    expect(await states(sent)).toEqual(all('failed not-delivered'))
    await us.handlers().deliveries.resolve({ id: alone.id, outcome: 'not-delivered', reason: 'it did not come' }, context)
    await us.handlers().deliveries.retry({ id: sent[2]!.id }, context)
    await wait(sent.map(({ id }) => id))
    expect(await states(sent)).toEqual(all('unknown unknown'))
    expect(new Set(came).size).toBe(3)
  })

  it('given up when the time is over, and closed by a receipt that comes late', async () => {
    const address = await us.listen()
    apply({ receipt: { mode: 'async', url: address, warnAfterMinutes: 1, failAfterHours: 1 } })
    says(204)
    const sent = await send()
    expect(await states(sent)).toEqual(all('awaiting-receipt null'))
    ahead += 2 * 60_000
    await us.restart()
    await until(async () => (await show(sent)).every(({ error }) => error?.code === 'as2.receipt_overdue'), 'the word that the receipt is overdue')
    ahead += 3_600_000
    await us.restart()
    await until(async () => (await states(sent)).every((state) => state === 'unknown unknown'), 'giving up')
    const late = await receiptFor(sent[0]!.id)
    const there = await us.listen()
    expect((await fetch(there, { method: 'POST', headers: late.headers.filter(([header]) => header !== 'Content-Length').map(([header, value]) => [header, value]), body: Buffer.from(late.body) })).status).toBe(200)
    expect(await states(sent)).toEqual(all('delivered delivered'))
    expect(came).toHaveLength(1)
  })

  it('given up when no server takes them in time', async () => {
    apply({ retry: { giveUpAfterHours: 1 } })
    says(503)
    const sent = await send()
    expect(await states(sent)).toEqual(all('waiting null'))
    ahead += 2 * 3_600_000
    await us.restart()
    await until(async () => (await states(sent)).every((state) => state === 'failed not-delivered'), 'giving up')
    expect(new Set(came).size).toBe(1)
  })
})
