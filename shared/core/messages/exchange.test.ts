import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { context, pair, testStation, until, type TestStation } from './conformance/station.ts'

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
})
