import { readFileSync } from 'node:fs'
import http from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { buildMessage } from '../protocols/as2/message/index.ts'
import { as2Partner, context, pair, testStation, until, type TestStation } from './conformance/station.ts'

describe('two installations exchange messages', () => {
  let left: TestStation
  let right: TestStation

  beforeAll(async () => {
    left = await testStation('LEFT')
    right = await testStation('RIGHT & Co "quoted"')
    await pair(left, right)
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })

  it('signed and encrypted, with a signed receipt in the answer: delivered, and released once with the same bytes', async () => {
    const content = 'UNA:+.? \'\nUNB+UNOC:3+LEFT+RIGHT+261125:1900+1\'\r\nlone\rend'
    const delivery = await left.send('right', left.file('orders.edi', content))
    expect(delivery).toMatchObject({ state: 'delivered', outcome: 'delivered', error: null })
    expect(delivery.receipt).toMatchObject({ kind: 'mdn', mode: 'sync', signed: true, micMatches: true, signer: `sha256:${right.identity.certificate.fingerprintSha256}` })
    const inbound = await until(() => right.received().find(({ state }) => state === 'delivered'), 'the release')
    expect(inbound).toMatchObject({ partner: 'left', fileName: 'orders.edi', sha256: delivery.sha256 })
    const path = inbound.receipt?.kind === 'received' ? inbound.receipt.releasedTo : null
    expect(readFileSync(path ?? '', 'utf8')).toBe(content)
  })

  it('shows both sides of the message', async () => {
    const [delivery] = (await left.handlers().deliveries.list({ limit: 1 }, context)).deliveries
    const { message } = await left.handlers().as2.message({ delivery: delivery?.id ?? '' }, context)
    expect(message).toMatchObject({ layers: ['encrypted', 'signed'], direction: 'outbound', as2From: 'LEFT' })
    expect(message?.receipts).toHaveLength(1)
    expect(message?.receipts[0]).toMatchObject({ verdict: 'delivered', signed: true })
    const [inbound] = right.received() as [Delivery]
    const other = (await right.handlers().as2.message({ delivery: inbound.id }, context)).message
    expect(other?.messageId).toBe(message?.messageId)
    expect(other?.receipts[0]?.mic).toBe(message?.receipts[0]?.mic?.replace('sha-256', 'sha256'))
  })

  it('the answer to a message goes out before its asynchronous receipt does', async () => {
    const order: string[] = []
    const trap = http.createServer((request, response) => {
      order.push('receipt')
      request.resume().on('end', () => response.writeHead(200).end())
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    // A line on which the answer takes its time.
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this`
    const end = http.ServerResponse.prototype.end as (...given: unknown[]) => unknown
    const slow = vi.spyOn(http.ServerResponse.prototype, 'end').mockImplementation(function later(this: http.ServerResponse, ...given: unknown[]) {
      setTimeout(() => end.apply(this, given), 250)
      return this
    })
    try {
      const receiptUrl = `http://127.0.0.1:${(trap.address() as { port: number }).port}/`
      right.partner(as2Partner('left', 'LEFT', undefined, { receipt: { request: 'signed' }, inbound: { receiptUrl } }))
      const { address } = await right.handlers().as2.receiver({}, context)
      const built = buildMessage({ as2From: 'LEFT', as2To: right.as2Id, payloads: [{ source: [Buffer.from('x')], contentType: 'text/plain' }], sign: { signer: left.identity }, encrypt: { recipients: [{ certificate: right.identity.certificate }], cipher: 'aes-256-cbc' }, receipt: { signed: true, to: 'us', asyncUrl: receiptUrl } })
      const body: Uint8Array[] = []
      for await (const chunk of built.body) body.push(chunk)
      // And once more: the receipt goes out again, after the answer again.
      for (const round of [1, 2]) {
        const answer = await fetch(address ?? '', { method: 'POST', headers: built.headers.map(([name, value]) => [name, value]), body: Buffer.concat(body) })
        expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 0])
        order.push('answer')
        await until(async () => order.length === 2 * round && (await right.handlers().as2.receiver({}, context)).receiptsToPost === 0, 'the receipt')
      }
      expect(order).toEqual(['answer', 'receipt', 'answer', 'receipt'])
    } finally {
      slow.mockRestore()
      trap.close()
    }
  })
})
