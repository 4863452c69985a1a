/** What the sender makes of whatever a server answers, over a real line. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { problemOfCertificate } from './keyring.ts'
import { as2Partner, context, testStation, type Identity, type TestStation } from './conformance/station.ts'

interface Came {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

describe('the sender', () => {
  let us: TestStation
  let partner: Identity
  let server: Server
  let url: string
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  const came: Came[] = []

  beforeAll(async () => {
    us = await testStation('US')
    partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        came.push({ headers: request.headers, body: Buffer.concat(chunks) })
        answer(request, response)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}/as2?x=1`
    apply({})
    us.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'partner', connection: 'as2' })
  })
  afterAll(async () => {
    server?.close()
    await us?.close()
  })
  beforeEach(() => {
    came.length = 0
    apply({})
  })

  const apply = (change: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): void => us.partner(as2Partner('partner', 'PARTNER', url, change, more))
  const send = async (): Promise<Delivery> => await us.send('partner', us.file('x.edi', randomBytes(50_000)))
  const retry = async (id: string): Promise<Delivery> => {
    await us.handlers().deliveries.retry({ id }, context)
    return (await us.handlers().deliveries.wait({ ids: [id] }, context)).deliveries[0] as Delivery
  }
  const says = (status: number, headers: Record<string, string> = {}, body = ''): void => {
    answer = (_, response) => response.writeHead(status, headers).end(body)
  }

  it('sends the very same bytes under the same number again when the answer was no receipt', async () => {
    says(200, { 'Content-Type': 'text/html' }, '<h1>Welcome</h1>')
    const first = await send()
    expect(first).toMatchObject({ state: 'unknown', outcome: 'unknown', error: { code: 'as2.receipt_missing' } })
    // Two readings of the clock: the difference may be some milliseconds off.
    expect(Math.abs(Date.parse(first.nextTryAt ?? '') - Date.parse(first.updatedAt) - 5 * 60_000)).toBeLessThan(1000)
    says(500)
    expect(await retry(first.id)).toMatchObject({ state: 'unknown', error: { code: 'as2.http_failed' } })
    answer = (request) => request.socket.destroy()
    expect(await retry(first.id)).toMatchObject({ state: 'unknown', error: { code: 'net.connection_lost' } })
    // A kept line that breaks before any answer is replaced once in the same try.
    expect([3, 4]).toContain(came.length)
    expect(new Set(came.map(({ headers }) => headers['message-id'])).size).toBe(1)
    expect(came.every(({ body }) => body.equals(came[0]!.body))).toBe(true)
    expect(came[0]?.headers).toMatchObject({ 'content-length': String(came[0]?.body.length), 'as2-from': 'US', 'as2-to': 'PARTNER', 'as2-version': '1.2' })
    expect(came[0]?.headers['transfer-encoding']).toBeUndefined()
    expect(came[0]?.headers['content-transfer-encoding']).not.toBe('base64')
  })

  it('tells "not now" from "no", and follows nobody elsewhere', async () => {
    says(503, { 'Retry-After': '3600' })
    const busy = await send()
    expect(busy).toMatchObject({ state: 'waiting', outcome: null })
    expect(Date.parse(busy.nextTryAt ?? '') - Date.parse(busy.updatedAt)).toBeGreaterThanOrEqual(3_600_000 - 50)
    says(404)
    expect(await send()).toMatchObject({ state: 'failed', outcome: 'not-delivered', error: { code: 'as2.http_refused' } })
    says(302, { Location: 'http://127.0.0.1:1/' })
    expect(await send()).toMatchObject({ state: 'failed', error: { code: 'as2.redirected' } })
    expect(came).toHaveLength(3)
  })

  it('has no more messages on the wire than was agreed, however many it builds meanwhile', async () => {
    apply({ maxConnections: 2, receipt: { request: 'none' } })
    const open: ServerResponse[] = []
    let most = 0
    answer = (_, response) => {
      most = Math.max(most, open.push(response))
      // Nobody is answered before there are two: a third would come now, if any did.
      if (open.length >= 2) setImmediate(() => open.splice(0).forEach((one) => one.writeHead(204).end()))
    }
    const sent = await Promise.all(Array.from({ length: 8 }, async (_, index) => await us.send('partner', us.file(`${index}.edi`, randomBytes(5000)))))
    expect(sent.map(({ state }) => state)).toEqual(Array(8).fill('delivered'))
    expect(most).toBe(2)
  })

  it('bounds the answer, and survives one that is no HTTP', async () => {
    answer = (_, response) => response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024))
    expect(await send()).toMatchObject({ state: 'unknown', error: { code: 'as2.answer_too_large' } })
    answer = (request) => request.socket.end('SSH-2.0-OpenSSH\r\n')
    expect(await send()).toMatchObject({ state: 'unknown', error: { code: 'as2.receipt_missing' } })
  })

  it('signs in where that was agreed, and sends chunked where that was agreed', async () => {
    says(204)
    apply({ http: { username: 'us', password: 'pass:word', chunked: true }, receipt: { request: 'none' } })
    expect(await send()).toMatchObject({ state: 'delivered', receipt: { kind: 'mdn', mode: 'none' } })
    expect(came[0]?.headers).toMatchObject({ authorization: `Basic ${Buffer.from('us:pass:word').toString('base64')}`, 'transfer-encoding': 'chunked' })
    expect(came[0]?.headers['content-length']).toBeUndefined()
  })

  it('does not reach a server that refuses, knows that nothing was sent, and keeps what it built', async () => {
    us.partner(as2Partner('partner', 'PARTNER', 'http://127.0.0.1:1/'))
    const delivery = await send()
    expect(delivery).toMatchObject({ state: 'waiting', outcome: null, error: { code: 'net.refused' } })
    const { message } = await us.handlers().as2.message({ delivery: delivery.id }, context)
    expect(message?.messageId).toMatch(/^<waybill-/)
    apply({})
    says(200)
    await retry(delivery.id)
    expect(came[0]?.headers['message-id']).toBe(message?.messageId)
  })

  it('refuses what is weaker than agreed before a byte goes out', async () => {
    // What waited for this server to come back may go on meanwhile, under the numbers that it has.
    const known = new Set(us.database().prepare<[], { id: string }>('SELECT message_id id FROM as2_messages').all().map(({ id }) => id))
    const refused = async (change: Readonly<Record<string, unknown>>, address = url): Promise<unknown> => {
      us.partner(as2Partner('partner', 'PARTNER', address, change))
      const { state, error } = await send()
      return [state, error?.code]
    }
    expect(await refused({ message: { digest: 'sha1' } })).toEqual(['failed', 'as2.algorithm_refused'])
    expect(await refused({ message: { cipher: 'des-ede3-cbc' } })).toEqual(['failed', 'as2.algorithm_refused'])
    expect(await refused({}, 'http://192.0.2.1/as2')).toEqual(['failed', 'as2.plain_http'])
    us.partner(as2Partner('other', 'OTHER', url))
    expect(await us.send('other', us.file('y.edi', 'y'))).toMatchObject({ state: 'failed', error: { code: 'as2.certificate_missing' } })
    expect(came.filter(({ headers }) => !known.has(String(headers['message-id'])))).toEqual([])
  })

  it('tests a connection without sending anything', async () => {
    says(405)
    const report = await us.handlers().partners.test({ partner: 'partner' }, context)
    expect(report.stages.map(({ name, status }) => `${name} ${status}`)).toEqual(['resolve ok', 'connect ok', 'certificate ok', 'exchange ok'])
    us.partner(as2Partner('third', 'THIRD', url))
    const missing = await us.handlers().partners.test({ partner: 'third' }, context)
    expect(missing.stages.at(-1)).toMatchObject({ name: 'exchange', status: 'refused', error: { code: 'as2.certificate_missing' } })
  })
})

it('uses no certificate that has expired, is not valid yet or is too small, unless that is tolerated', async () => {
  const { certificate } = await generateSelfSigned({ subject: { commonName: 'old' }, key: 'rsa-2048', notBefore: new Date('2026-01-01'), validDays: 30 })
  const [before, within, after] = ['2025-12-01', '2026-01-15', '2026-06-01'].map((day) => Date.parse(day)) as [number, number, number]
  for (const role of ['sign', 'encrypt', 'verify'] as const) {
    expect(problemOfCertificate(certificate, role, [], within)).toBeNull()
    expect(problemOfCertificate(certificate, role, [], after)).toContain('valid until')
    expect(problemOfCertificate(certificate, role, [], before)).toContain('valid only from')
    expect(problemOfCertificate(certificate, role, ['certificate-expired'], after) === null).toBe(role === 'verify')
    expect(problemOfCertificate({ ...certificate, keyType: 'rsa', keyBits: 1024 }, role, [], within)).toContain('1024 bits')
    expect(problemOfCertificate({ ...certificate, keyType: 'rsa', keyBits: 1024 }, role, ['rsa-1024'], within)).toBeNull()
  }
  // What came earlier can still be opened.
  expect(problemOfCertificate(certificate, 'decrypt', [], after)).toBeNull()
})

describe('over TLS', () => {
  it('our receiver shows the certificate of the station, and the sender takes no other', async () => {
    const [left, right] = [await testStation('LEFT'), await testStation('RIGHT')]
    try {
      const tls = await generateSelfSigned({ subject: { commonName: 'localhost' }, key: 'rsa-2048', usage: 'tls' })
      const other = await generateSelfSigned({ subject: { commonName: 'localhost' }, key: 'rsa-2048', usage: 'tls' })
      right.bind(tls, ['tls-server'])
      const { address, error } = await right.handlers().as2.configureReceiver({ enabled: true, host: '127.0.0.1', port: 0, tls: true }, context)
      expect(error).toBeNull()
      right.partner(as2Partner('left', 'LEFT', undefined))
      right.bind({ certificate: left.identity.certificate }, ['verify', 'encrypt'], { partner: 'left', connection: 'as2' })
      const pinned = (pem: string): void => left.partner(as2Partner('right', 'RIGHT', address ?? '', { tls: { trust: 'pinned', pins: [pem] } }))
      pinned(tls.certificate.pem())
      left.bind({ certificate: right.identity.certificate }, ['verify', 'encrypt'], { partner: 'right', connection: 'as2' })
      expect(await left.send('right', left.file('a.edi', 'a'))).toMatchObject({ state: 'delivered', receipt: { signed: true, micMatches: true } })
      const report = await left.handlers().partners.test({ partner: 'right' }, context)
      expect(report).toMatchObject({ ok: true, certificate: { verdict: 'trusted' } })
      pinned(other.certificate.pem())
      expect(await left.send('right', left.file('b.edi', 'b'))).toMatchObject({ state: 'failed', outcome: 'not-delivered', error: { code: 'tls.certificate_changed' } })
    } finally {
      await left.close()
      await right.close()
    }
  })
})
