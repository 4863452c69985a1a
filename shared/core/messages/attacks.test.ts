/** Attacks on sender and receiver over a real line: what is refused, what is never done, and what an attacker learns (as2 1.8). */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { buildMdn, buildMessage, openMdn, type BuildOptions, type HeaderPair } from '../protocols/as2/message/index.ts'
import { as2Partner, context, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

interface Posted {
  readonly status: number
  readonly headers: HeaderPair[]
  readonly body: Buffer
}

async function post(url: string, headers: readonly HeaderPair[], body: Uint8Array): Promise<Posted> {
  const answer = await fetch(url, { method: 'POST', headers: headers.map(([name, value]) => [name, value]), body: Buffer.from(body), redirect: 'manual' })
  return { status: answer.status, headers: [...answer.headers.entries()], body: Buffer.from(await answer.arrayBuffer()) }
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Says one thing on a raw line and reads until the other side closes, bounded. */
async function rawRequest(url: string, text: string): Promise<string> {
  const { port } = new URL(url)
  return await new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setTimeout(5000, () => socket.destroy())
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

describe('the receiver under attack', () => {
  let us: TestStation
  let url: string
  let partner: Identity
  let stranger: Identity

  const envelope = { as2From: 'PARTNER', as2To: 'US' }
  const receipt = { signed: true, to: 'anybody' } as const
  const encrypted = (): Pick<BuildOptions, 'encrypt'> => ({ encrypt: { recipients: [{ certificate: us.identity.certificate }], cipher: 'aes-256-cbc' } })
  const build = async (options: Partial<BuildOptions> = {}, content: string | Uint8Array = randomBytes(300)): Promise<{ headers: readonly HeaderPair[]; body: Buffer; messageId: string }> => {
    const built = buildMessage({ ...envelope, payloads: [{ source: [Buffer.from(content)], contentType: 'application/edi-x12', fileName: 'orders.edi' }], sign: { signer: partner }, ...encrypted(), receipt, ...options })
    return { headers: built.headers, body: await bytesOf(built.body), messageId: built.messageId }
  }
  const dispositionOf = async (answer: Posted): Promise<string> => {
    const reading = await openMdn(answer.headers, [answer.body], { trusted: [{ certificate: us.identity.certificate }] })
    return reading.kind === 'mdn' ? `${reading.disposition.raw.split(';')[1]?.trim() ?? ''} ${reading.signature.state}` : `unreadable ${reading.detail}`
  }
  const events = async (type: string): Promise<number> => (await us.handlers().audit.list({ limit: 1000 }, context)).events.filter((event) => event.type === type).length

  beforeAll(async () => {
    us = await testStation('US')
    partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
    stranger = await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'rsa-2048' })
    url = await us.listen()
    us.partner(as2Partner('partner', 'PARTNER', 'http://127.0.0.1:1/', { inbound: { maxBytes: 2_000_000 } }))
    us.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'partner', connection: 'as2' })
  })
  afterAll(async () => await us?.close())

  it('takes a genuine message once, and answers each repetition with the very same receipt', async () => {
    const message = await build()
    const first = await post(url, message.headers, message.body)
    expect(await dispositionOf(first)).toBe('processed valid')
    const before = us.received().length
    for (let again = 0; again < 3; again++) {
      const answer = await post(url, message.headers, message.body)
      expect(answer.body.equals(first.body)).toBe(true)
    }
    expect(us.received()).toHaveLength(before)
    expect(await events('as2.repetition')).toBe(3)
  })

  it('takes one of many that come at the same moment', async () => {
    const message = await build()
    const before = us.received().length
    const answers = await Promise.all(Array.from({ length: 4 }, async () => await post(url, message.headers, message.body)))
    const given = answers.filter(({ status }) => status === 200)
    expect(given.length).toBeGreaterThan(0)
    expect(new Set(given.map(({ body }) => body.toString('latin1'))).size).toBe(1)
    expect(us.received()).toHaveLength(before + 1)
  })

  it('refuses another content under a number that was used, and keeps what came first', async () => {
    const message = await build()
    await post(url, message.headers, message.body)
    const other = await build({ messageId: message.messageId })
    const before = us.received().length
    expect(await dispositionOf(await post(url, other.headers, other.body))).toBe('processed/error: unexpected-processing-error valid')
    expect(us.received()).toHaveLength(before)
    expect(await events('as2.message_id_reused')).toBe(1)
  })

  it('lets a refused message come again under its number when it is put right', async () => {
    const wrong = await build({ sign: { signer: stranger } })
    expect(await dispositionOf(await post(url, wrong.headers, wrong.body))).toContain('error')
    const right = await build({ messageId: wrong.messageId })
    expect(await dispositionOf(await post(url, right.headers, right.body))).toBe('processed valid')
  })

  it('answers everything that fails behind ciphertext alike: no oracle', async () => {
    const good = await build()
    const damage = (at: number): Buffer => {
      const body = Buffer.from(good.body)
      body[at < 0 ? body.length + at : at]! ^= 0x55
      return body
    }
    const newId = (headers: readonly HeaderPair[]): HeaderPair[] => headers.map(([name, value]) => (name === 'Message-ID' ? [name, `<${randomBytes(8).toString('hex')}@attack>`] : [name, value]))
    // In the wrapped key, in the middle and at the end of the ciphertext (padding), a wrong signer, and another recipient.
    const bodies = [damage(380), damage(Math.floor(good.body.length / 2)), damage(-3), (await build({ sign: { signer: stranger } })).body, (await build({ encrypt: { recipients: [{ certificate: stranger.certificate }], cipher: 'aes-256-cbc' } })).body]
    const answers: string[] = []
    for (const body of bodies) answers.push(await dispositionOf(await post(url, newId(good.headers), body)))
    expect(new Set(answers)).toEqual(new Set(['processed/error: decryption-failed valid']))
    const text = (await post(url, newId(good.headers), damage(-3))).body.toString('latin1')
    expect(text).not.toMatch(/padding|signer|unwrap|integrity/i)
  })

  it('demands what was agreed: not encrypted and not signed is insufficient', async () => {
    const { encrypt: _, ...bare } = { ...envelope, ...encrypted() }
    const plain = buildMessage({ ...bare, payloads: [{ source: [Buffer.from('x')], contentType: 'text/plain' }], sign: { signer: partner }, receipt })
    expect(await dispositionOf(await post(url, plain.headers, await bytesOf(plain.body)))).toBe('processed/error: insufficient-message-security valid')
  })

  it('never posts to an address that a header names', async () => {
    const hits: IncomingHttpHeaders[] = []
    const trap: Server = createServer((request, response) => {
      hits.push(request.headers)
      response.end()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = trap.address() as { port: number }
      const asyncUrl = `http://127.0.0.1:${port}/internal`
      for (const signer of [partner, stranger]) {
        const message = await build({ receipt: { ...receipt, asyncUrl }, sign: { signer } })
        expect(await post(url, message.headers, message.body)).toMatchObject({ status: 200, body: Buffer.alloc(0) })
      }
      await until(async () => (await events('as2.receipt_failed')) > 0, 'the queued receipt to be given up')
      expect(hits).toEqual([])
      expect(await events('as2.receipt_address_differs')).toBeGreaterThan(0)
    } finally {
      trap.close()
    }
  })

  it('keeps a hostile file name inside the Inbox', async () => {
    const before = new Set(us.received().map(({ id }) => id))
    const message = await build({ payloads: [{ source: [Buffer.from('escape')], contentType: 'text/plain', fileName: '../../../../tmp/escape.txt' }] })
    expect(await dispositionOf(await post(url, message.headers, message.body))).toBe('processed valid')
    const inbound = await until(() => us.received().find(({ id, state }) => !before.has(id) && state === 'delivered'), 'the release')
    const path = inbound.receipt?.kind === 'received' ? (inbound.receipt.releasedTo ?? '') : ''
    expect(dirname(path)).toBe(join(us.folder, 'partners', 'partner', 'Inbox'))
    expect(readdirSync(dirname(path)).some((name) => name.includes('escape.txt'))).toBe(true)
  })

  it('refuses two framings of one request, and headers without end', async () => {
    const smuggle = 'POST /as2 HTTP/1.1\r\nHost: us\r\nAS2-From: PARTNER\r\nAS2-To: US\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n'
    expect(await rawRequest(url, smuggle)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await rawRequest(url, smuggle.replace('Transfer-Encoding: chunked', 'Content-Length: 7'))).toMatch(/^HTTP\/1\.1 400 /)
    expect(await rawRequest(url, `POST / HTTP/1.1\r\nHost: us\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await rawRequest(url, 'this is no http\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await rawRequest(url, 'POST /as2 HTTP/1.1\r\nHost: us\r\nAS2-From: PARTNER\r\nAS2-To: US\r\n\r\n')).toMatch(/^HTTP\/1\.1 411 /)
  })

  it('answers Expect: 100-continue, and refuses what is too large before and while it comes', async () => {
    const head = (length: number, expectation: string): string => `POST /as2 HTTP/1.1\r\nHost: us\r\nAS2-From: PARTNER\r\nAS2-To: US\r\nMessage-ID: <a@b>\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: ${length}\r\n${expectation}Connection: close\r\n\r\n`
    expect(await rawRequest(url, `${head(3, 'Expect: 100-continue\r\n')}abc`)).toMatch(/^HTTP\/1\.1 100 Continue/)
    expect(await post(url, [['AS2-From', 'PARTNER'], ['AS2-To', 'US'], ['Message-ID', '<big@x>'], ['Content-Type', 'application/pkcs7-mime']], Buffer.alloc(2_000_001))).toMatchObject({ status: 413 })
  })

  it('tells a stranger that there is no agreement, keeps the message for the operator, and lets nobody echo header lines', async () => {
    const message = await build({ as2From: 'NOBODY' })
    const answer = await post(url, message.headers, message.body)
    expect(answer.status).toBe(200)
    expect(await dispositionOf(answer)).toBe('processed/error: unexpected-processing-error unsigned')
    const { entries } = await us.handlers().as2.inbound({ limit: 10, state: ['quarantined'] }, context)
    expect(entries[0]).toMatchObject({ as2From: 'NOBODY', partner: null, reason: 'unknown-party' })
    const odd = await post(url, message.headers.map(([name, value]) => (name === 'Message-ID' ? [name, 'a b\tc'] : [name, value])), message.body)
    expect(odd.body.toString('latin1')).not.toContain('a b\tc')
  })

  it('takes so many at a time from one partner, and asks for the others again', async () => {
    us.partner(as2Partner('partner', 'PARTNER', 'http://127.0.0.1:1/', { inbound: { maxBytes: 2_000_000, maxParallel: 1 } }))
    const [slow, quick] = [await build({}, randomBytes(20_000)), await build()]
    const { port } = new URL(url)
    const active = async (): Promise<boolean> => (await us.handlers().as2.receiver({}, context)).active > 0
    await until(async () => !(await active()), 'everything before to be over')
    const head = slow.headers.map((field) => field.join(': ')).join('\r\n')
    const line = connect(Number(port), '127.0.0.1')
    try {
      const answered = new Promise<string>((resolve, reject) => {
        let answer = ''
        line.on('data', (data: Buffer) => (answer += data.toString('latin1')))
        line.on('error', reject)
        line.on('close', () => resolve(answer))
      })
      line.write(`POST /as2 HTTP/1.1\r\nHost: us\r\nConnection: close\r\n${head}\r\nContent-Length: ${slow.body.length}\r\n\r\n`)
      // More than what is looked into before anything is known.
      line.write(slow.body.subarray(0, slow.body.length - 10))
      await until(active, 'the first one to be read')
      const refused = await post(url, quick.headers, quick.body)
      expect(refused.status).toBe(503)
      expect(refused.headers).toContainEqual(['retry-after', '10'])
      line.write(slow.body.subarray(-10))
      expect(await answered).toMatch(/^HTTP\/1\.1 200 /)
      expect(await dispositionOf(await post(url, quick.headers, quick.body))).toBe('processed valid')
    } finally {
      line.destroy()
      us.partner(as2Partner('partner', 'PARTNER', 'http://127.0.0.1:1/', { inbound: { maxBytes: 2_000_000 } }))
    }
  })

  it('is alive for whoever asks, and takes no other verbs', async () => {
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '0'])
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(405)
  })
})

describe('receipts under attack', () => {
  let us: TestStation
  let url: string
  let partner: Identity
  let stranger: Identity
  /** Takes messages and says nothing: the receipt comes later. */
  let server: Server
  const taken: IncomingHttpHeaders[] = []

  const sendOne = async (name: string): Promise<{ id: string; messageId: string; mic: string }> => {
    const delivery = await us.send('partner', us.file(name, randomBytes(100)))
    expect(delivery).toMatchObject({ state: 'awaiting-receipt', outcome: null })
    const { message } = await us.handlers().as2.message({ delivery: delivery.id }, context)
    return { id: delivery.id, messageId: message?.messageId ?? '', mic: message?.mics[0]?.value ?? '' }
  }
  const stateOf = async (id: string): Promise<string> => (await us.handlers().deliveries.show({ id }, context)).delivery.state
  const mdn = (sent: { messageId: string; mic: string }, change: Partial<Parameters<typeof buildMdn>[0]> = {}): ReturnType<typeof buildMdn> =>
    buildMdn({ as2From: 'PARTNER', as2To: 'US', disposition: { kind: 'processed' }, originalMessageId: sent.messageId, mic: { algorithm: 'sha256', value: sent.mic }, sign: { signer: partner }, ...change })
  const give = async (built: ReturnType<typeof buildMdn>): Promise<number> => (await post(url, built.headers.filter(([name]) => name !== 'Content-Length'), built.body)).status

  beforeAll(async () => {
    us = await testStation('US')
    partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
    stranger = await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'rsa-2048' })
    server = createServer((request, response) => {
      taken.push(request.headers)
      request.resume().on('end', () => response.writeHead(204).end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = await us.listen()
    us.partner(as2Partner('partner', 'PARTNER', `http://127.0.0.1:${(server.address() as { port: number }).port}/as2`, { receipt: { mode: 'async', url } }))
    us.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'partner', connection: 'as2' })
  })
  afterAll(async () => {
    server?.close()
    await us?.close()
  })

  it('a genuine one closes the delivery, and counts once', async () => {
    const sent = await sendOne('a.edi')
    const genuine = mdn(sent)
    expect(await give(genuine)).toBe(200)
    expect(await stateOf(sent.id)).toBe('delivered')
    expect(await give(genuine)).toBe(200)
    const { message } = await us.handlers().as2.message({ delivery: sent.id }, context)
    expect(message?.receipts).toHaveLength(1)
    expect(taken.at(-1)).toMatchObject({ 'receipt-delivery-option': url, 'as2-from': 'US' })
  })

  it('forged ones change nothing: unsigned, signed by somebody else, for other messages, from other partners, damaged', async () => {
    const sent = await sendOne('b.edi')
    const genuine = mdn(sent)
    const { sign: _, ...unsigned } = { sign: undefined }
    const damaged = { ...genuine, body: Buffer.from(Buffer.from(genuine.body).toString('latin1').replace('processed', 'processeD'), 'latin1') }
    const forged = [
      buildMdn({ as2From: 'PARTNER', as2To: 'US', disposition: { kind: 'processed' }, originalMessageId: sent.messageId, mic: { algorithm: 'sha256', value: sent.mic }, ...unsigned }),
      mdn(sent, { sign: { signer: stranger } }),
      mdn(sent, { sign: { signer: stranger }, disposition: { kind: 'error', modifier: 'decryption-failed' } }),
      mdn({ ...sent, messageId: '<unknown@us>' }),
      mdn(sent, { as2From: 'NOBODY' }),
      damaged,
    ]
    for (const one of forged) expect(await give(one)).toBe(200)
    expect(await stateOf(sent.id)).toBe('awaiting-receipt')
    expect(await give(genuine)).toBe(200)
    expect(await stateOf(sent.id)).toBe('delivered')
  })

  it('a genuine one with another MIC is a dispute of its own, and a right one still closes it', async () => {
    const sent = await sendOne('c.edi')
    await give(mdn(sent, { mic: { algorithm: 'sha256', value: Buffer.alloc(32).toString('base64') } }))
    const { delivery } = await us.handlers().deliveries.show({ id: sent.id }, context)
    expect(delivery).toMatchObject({ state: 'disputed', outcome: 'unknown', error: { code: 'as2.receipt_mic_mismatch' }, receipt: { kind: 'mdn', micMatches: false } })
    await give(mdn(sent))
    expect(await stateOf(sent.id)).toBe('delivered')
  })

  it('a genuine refusal ends it; what goes again is a new message', async () => {
    const sent = await sendOne('d.edi')
    await give(mdn(sent, { disposition: { kind: 'error', modifier: 'decryption-failed' } }))
    const { delivery } = await us.handlers().deliveries.show({ id: sent.id }, context)
    expect(delivery).toMatchObject({ state: 'failed', outcome: 'not-delivered', error: { code: 'as2.receipt_negative' } })
    await us.handlers().deliveries.retry({ id: sent.id }, context)
    await us.handlers().deliveries.wait({ ids: [sent.id] }, context)
    const { message } = await us.handlers().as2.message({ delivery: sent.id }, context)
    expect(message?.messageId).not.toBe(sent.messageId)
  })
})
