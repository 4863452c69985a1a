/** What a refused message leaves: its bytes for a while, nothing of what was inside, and the record for good. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { buildMessage } from '../protocols/as2/message/index.ts'
import { REFUSED_DAYS } from './cleanup.ts'
import { as2Partner, context, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

describe('a refused message', () => {
  let us: TestStation
  let partner: Identity
  let stranger: Identity
  let url: string
  let ahead = 0

  const post = async (signer: Identity, to = 'US'): Promise<void> => {
    const built = buildMessage({ as2From: 'PARTNER', as2To: to, payloads: [{ source: [Buffer.from(`content by ${signer.certificate.fingerprintSha256} for ${to}`)], contentType: 'text/plain', fileName: 'a.txt' }], sign: { signer }, encrypt: { recipients: [{ certificate: us.identity.certificate }], cipher: 'aes-256-cbc' } })
    const chunks: Uint8Array[] = []
    for await (const chunk of built.body) chunks.push(chunk)
    await fetch(url, { method: 'POST', headers: built.headers.map(([name, value]) => [name, value]), body: Buffer.concat(chunks) })
  }
  const stored = (): number => {
    const folder = join(us.folder, 'payloads')
    return readdirSync(folder).filter((name) => name.length === 2).reduce((sum, name) => sum + readdirSync(join(folder, name)).length, 0)
  }
  const removed = async (): Promise<number> => (await us.handlers().audit.list({ limit: 1000 }, context)).events.filter(({ type }) => type === 'as2.refused_content_removed').length

  beforeAll(async () => {
    us = await testStation('US', { clock: { ...systemClock, now: () => systemClock.now() + ahead } })
    ;[partner, stranger] = [await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048', validDays: 1000 }), await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'rsa-2048' })]
    url = await us.listen()
    us.partner(as2Partner('partner', 'PARTNER', undefined))
    us.bind({ certificate: partner.certificate }, ['verify'], { partner: 'partner', connection: 'as2' })
  })
  afterAll(async () => await us?.close())

  it('leaves the bytes as they came, and nothing of what was inside', async () => {
    await post(partner)
    await until(() => us.received().some(({ state }) => state === 'delivered'), 'the release')
    // As it came, and what was inside.
    expect(stored()).toBe(2)
    await post(stranger)
    await post(partner, 'NOBODY HERE')
    expect((await us.handlers().as2.inbound({ limit: 10 }, context)).entries.map(({ state }) => state).toSorted()).toEqual(['processed', 'quarantined', 'refused'])
    expect(stored()).toBe(4)
  })

  it('gives its bytes up after its time, and the record says so first', async () => {
    ahead = (REFUSED_DAYS - 1) * 86_400_000
    await us.restart()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([stored(), await removed()]).toEqual([4, 0])
    ahead = (REFUSED_DAYS + 1) * 86_400_000
    await us.restart()
    await until(async () => stored() === 2 && (await removed()) === 2, 'the refused bytes to go')
    const { entries } = await us.handlers().as2.inbound({ limit: 10 }, context)
    expect(entries).toHaveLength(3)
    const refused = entries.find(({ state }) => state === 'refused')
    await expect(us.handlers().as2.exportRaw({ of: { inbound: refused?.id }, what: 'message', path: join(us.folder, '..', 'raw.as2') }, context)).rejects.toMatchObject({ code: 'delivery.payload_missing' })
    expect((await us.handlers().audit.verify({}, context)).ok).toBe(true)
  })
})
