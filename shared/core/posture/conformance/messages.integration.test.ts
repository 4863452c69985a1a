import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../../contract/posture.ts'
import { generateSelfSigned } from '../../crypto/x509/index.ts'
import { systemClock } from '../../kernel/clock.ts'
import { as2Partner, context, pair, testStation, until, type TestStation } from '../../messages/conformance/station.ts'
import { DAY_MS } from '../days.ts'

/** Two installations over a real line, on days that pass: what the other side does less well than before. */
describe('what messages and receipts show', () => {
  let left: TestStation
  let right: TestStation
  let offset = 0
  const clock = { now: () => Date.now() + offset, sleep: systemClock.sleep }

  beforeAll(async () => {
    left = await testStation('LEFT', { clock })
    right = await testStation('RIGHT', { clock })
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })

  const tolerant = { exceptions: ['cms-sha1', 'cms-3des', 'unsigned-receipt'].map((allow) => ({ allow, reason: 'until they are done', owner: 'Ms Ito', until: '2099-12-31' })) }
  const onDay = (day: number): void => void (offset = day * DAY_MS)
  const codes = async (station: TestStation): Promise<string[]> => {
    await station.handlers().posture.evaluate({}, context)
    return (((await station.handlers().posture.list({ limit: 1000 }, context)).findings) as Finding[]).map(({ code }) => code)
  }
  let serial = 0
  const fromLeft = async (): Promise<void> => {
    const name = `left-${++serial}.edi`
    expect((await left.send('right', left.file(name, name))).state).toBe('delivered')
  }
  const fromRight = async (): Promise<void> => {
    const name = `right-${++serial}.edi`
    const before = left.received().length
    await right.send('left', right.file(name, name))
    await until(() => left.received().length > before, 'the file')
  }
  const WATCHED = ['observed_weak_message', 'silent_downgrade', 'receipt_no_longer_signed', 'message_no_longer_signed', 'message_no_longer_encrypted', 'signer_changed', 'receipt_signer_changed', 'exception_unused', 'receipts_not_posted']

  it('nothing while all is as agreed; then that an exception is not used', async () => {
    await pair(left, right, { inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
    for (let n = 0; n < 5; n++) await fromLeft()
    await fromRight()
    onDay(29)
    expect((await codes(left)).filter((code) => WATCHED.includes(code))).toEqual([])
    onDay(31)
    await fromLeft()
    expect(await codes(left)).toContain('exception_unused')
  })

  it('old algorithms, with the step down', async () => {
    await pair(left, right, { message: { digest: 'sha1', cipher: 'des-ede3-cbc' }, inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
    await fromRight()
    expect(await codes(left)).toEqual(expect.arrayContaining(['observed_weak_message', 'silent_downgrade']))
  })

  it('what is refused, until an exception lets it in', async () => {
    right.partner(as2Partner('left', left.as2Id, await left.listen(), { message: { digest: 'sha1' } }, tolerant))
    left.partner(as2Partner('right', right.as2Id, await right.listen(), { inbound: { requireSigned: false, requireEncrypted: false } }))
    expect(await codes(left)).not.toContain('policy_refused')
    const before = left.received().length
    expect((await right.send('left', right.file('weak.edi', 'weak'))).state).not.toBe('delivered')
    expect(left.received().length).toBe(before)
    expect(await codes(left)).toContain('policy_refused')
    await pair(left, right, { message: { digest: 'sha1' }, inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
    await fromRight()
    // Once the file is released.
    await until(async () => !(await codes(left)).includes('policy_refused'), 'its settling')
  })

  it('messages that are no longer signed or encrypted, and receipts that are no longer signed', async () => {
    onDay(32)
    await pair(left, right, { message: { sign: false, encrypt: false }, receipt: { request: 'unsigned' }, inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
    await fromRight()
    await fromLeft()
    expect(await codes(left)).toEqual(expect.arrayContaining(['message_no_longer_signed', 'message_no_longer_encrypted', 'receipt_no_longer_signed']))
  })

  it('another certificate under messages and receipts', async () => {
    onDay(33)
    const next = await generateSelfSigned({ subject: { commonName: 'RIGHT next' }, key: 'rsa-2048' })
    right.bind(next, ['sign'])
    left.bind({ certificate: next.certificate }, ['verify'], { partner: 'right', connection: 'as2' })
    const old = (await right.handlers().trust.list({ limit: 1000 }, context)).items.find(({ label, bindings }) => label.includes('RIGHT') && !label.includes('next') && bindings.some(({ role }) => role === 'sign'))
    for (const { id, role } of old?.bindings ?? []) if (role === 'sign') await right.handlers().trust.unbind({ binding: id }, context)
    await pair(left, right, { inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
    await fromRight()
    await fromLeft()
    expect(await codes(left)).toEqual(expect.arrayContaining(['signer_changed', 'receipt_signer_changed']))
  })

  it('receipts of ours that nobody takes', async () => {
    const server = createServer((request, response) => void request.resume().on('end', () => response.writeHead(503).end()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      await pair(left, right, { receipt: { mode: 'async', url }, inbound: { requireSigned: false, requireEncrypted: false } }, tolerant)
      // Receipts go to the agreed address and nowhere else.
      right.partner(as2Partner('left', left.as2Id, url, { inbound: { requireSigned: false, requireEncrypted: false, receiptUrl: url } }, tolerant))
      const queued = async (): Promise<number> => (await right.handlers().as2.receiver({}, context)).receiptsToPost
      for (const count of [1, 2, 3]) {
        if (count === 3) expect(await codes(right)).not.toContain('receipts_not_posted')
        await left.send('right', left.file(`late-${count}.edi`, `late ${count}`))
        await until(async () => (await queued()) >= count, `receipt ${count}`)
      }
      expect(await codes(right)).toContain('receipts_not_posted')
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
