/** Both keys of a planned change serve: a partner that keeps one certificate decides by itself when it changes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { context, pair, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

describe('a planned change under way', () => {
  let left: TestStation
  let right: TestStation
  let next: Identity

  beforeAll(async () => {
    left = await testStation('LEFT')
    right = await testStation('RIGHT')
    await pair(left, right)
    next = await generateSelfSigned({ subject: { commonName: 'LEFT next' }, key: 'rsa-2048' })
    left.bind(next, [])
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })

  const knowOnly = async ({ certificate }: Identity): Promise<void> => {
    for (const item of (await right.handlers().trust.list({ limit: 20, partner: 'left' }, context)).items)
      for (const { id, partner, activeUntil } of item.bindings) if (partner === 'left' && activeUntil === null) await right.handlers().trust.unbind({ binding: id }, context)
    right.bind({ certificate }, ['verify', 'encrypt'], { partner: 'left', connection: 'as2' })
  }
  it('a refusal for the keys sends the content once more with the other ones, and only once', async () => {
    const list = (await left.handlers().trust.list({ limit: 20 }, context)).items
    const idOf = ({ certificate }: Identity): string => list.find(({ fingerprint }) => fingerprint === `sha256:${certificate.fingerprintSha256}`)?.id ?? ''
    await left.handlers().rollover.plan({ old: idOf(left.identity), next: idOf(next), switchAt: new Date(Date.now() + 86_400_000).toISOString() }, context)
    await knowOnly(next)
    const delivery = await left.send('right', left.file('a.edi', 'a'))
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 2 })
    await until(() => right.received().length === 1 && right.received()[0]?.state === 'delivered', 'the release')
    // What was refused lately is not tried first again.
    expect(await left.send('right', left.file('b.edi', 'b'))).toMatchObject({ state: 'delivered', attempts: 1 })
    // Receipts are signed with what the partner has used.
    expect(await right.send('left', right.file('c.edi', 'c'))).toMatchObject({ state: 'delivered', attempts: 1 })

    const stranger = await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'rsa-2048' })
    await knowOnly(stranger)
    expect(await left.send('right', left.file('d.edi', 'd'))).toMatchObject({ state: 'failed', attempts: 2, error: { code: 'as2.receipt_negative' } })
    expect(right.received()).toHaveLength(2)
  }, 60_000)
})
