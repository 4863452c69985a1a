/** Messages and receipts made to deceive or to exhaust us (as2 1.8). */
import { deflateSync } from 'node:zlib'
import { createCipheriv, publicEncrypt, constants, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { memorySink, type MemorySink } from '../../../../../e2e/fixtures/memory-sink.ts'
import { candidatesOf, collect, compress, createDetachedSignature, encrypt, findDigest } from '../../../crypto/cms/index.ts'
import { generateSelfSigned } from '../../../crypto/x509/index.ts'
import { buildMdn, buildMessage, judgeMdn, openMdn, openMessage, type BuildOptions, type HeaderPair, type MdnExpectation, type OpenOutcome, type OpenPolicy } from './index.ts'

type Pair = Awaited<ReturnType<typeof generateSelfSigned>>
let partner: Pair
let us: Pair
let stranger: Pair

beforeAll(async () => {
  const make = async (commonName: string): Promise<Pair> => await generateSelfSigned({ subject: { commonName }, key: 'rsa-2048' })
  ;[partner, us, stranger] = await Promise.all([make('partner'), make('us'), make('stranger')])
})

const CONTENT = Buffer.from("UNB+UNOA:1'\r\n")

async function open(headers: readonly HeaderPair[], body: Uint8Array, more: Partial<OpenPolicy> = {}): Promise<{ outcome: OpenOutcome; sink: MemorySink }> {
  const sink = memorySink()
  const outcome = await openMessage(headers, [body], { decryptWith: [us], trusted: [{ certificate: partner.certificate }], requireSignature: false, requireEncryption: false, ...more }, sink)
  return { outcome, sink }
}

async function built(more: Partial<BuildOptions>): Promise<{ headers: readonly HeaderPair[]; body: Buffer }> {
  const message = buildMessage({ as2From: 'partner', as2To: 'us', payloads: [{ source: [CONTENT], contentType: 'application/edifact', fileName: 'a.edi' }], ...more })
  return { headers: message.headers, body: Buffer.from(await collect(message.body, 2 ** 26)) }
}

const encryption = () => ({ recipients: [{ certificate: us.certificate }], cipher: 'aes-256-cbc' as const })

function boundaryIn(headers: readonly HeaderPair[]): string {
  return /boundary="([^"]+)"/.exec(headers.find(([name]) => name === 'Content-Type')?.[1] ?? '')?.[1] ?? ''
}

/** A message with only a content type. */
function typed(type: string): HeaderPair[] {
  return [['AS2-From', 'partner'], ['AS2-To', 'us'], ['Message-ID', '<a@b>'], ['Content-Type', type]]
}

async function enveloped(content: Uint8Array): Promise<Uint8Array> {
  return await collect(encrypt([content], encryption()), 2 ** 26)
}

function signedEntity(entity: Buffer, signer: Pair = partner): { type: string; body: Buffer } {
  const digest = findDigest(candidatesOf(entity, ['sha256']), { algorithm: 'sha256' })!
  const p7s = Buffer.from(createDetachedSignature({ signer, digestAlgorithm: 'sha256', digest })).toString('base64')
  return { type: 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=bb', body: Buffer.concat([Buffer.from('--bb\r\n'), entity, Buffer.from(`\r\n--bb\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n${p7s}\r\n--bb--\r\n`)]) }
}

const ENTITY = Buffer.concat([Buffer.from('Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\n'), CONTENT])

describe('signature wrapping', () => {
  it('content beside the signed part is never delivered: a third part refuses the message', async () => {
    const { headers, body } = await built({ sign: { signer: partner } })
    const mark = `--${boundaryIn(headers)}`
    const evil = `\r\n${mark}\r\nContent-Type: text/plain\r\n\r\nevil\r\n`
    for (const place of ['before', 'after', 'middle'] as const) {
      const text = body.toString('latin1')
      const forged = place === 'before' ? `${evil.slice(2)}${text}` : place === 'after' ? text.replace(`\r\n${mark}--`, `${evil.slice(0, -2)}\r\n${mark}--`) : text.replace(`\r\n${mark}\r\nContent-Type: application/pkcs7`, `${evil.slice(0, -2)}\r\n${mark}\r\nContent-Type: application/pkcs7`)
      const { outcome } = await open(headers, Buffer.from(forged, 'latin1'))
      expect(outcome).toMatchObject({ ok: false, disposition: 'authentication-failed', senderAuthenticated: false })
    }
  })

  it('preamble and epilogue are not content', async () => {
    const { headers, body } = await built({ sign: { signer: partner } })
    const { outcome, sink } = await open(headers, Buffer.concat([Buffer.from('Content-Type: text/plain\r\n\r\nevil\r\n'), body, Buffer.from('evil')]))
    expect(outcome).toMatchObject({ ok: true, warnings: ['preamble', 'epilogue'] })
    expect(sink.files()).toEqual([CONTENT])
  })

  it('a genuine signed message inside an unsigned multipart does not make the multipart signed', async () => {
    const inner = signedEntity(ENTITY)
    const body = Buffer.concat([Buffer.from(`--o\r\nContent-Type: text/plain\r\n\r\nevil\r\n--o\r\nContent-Type: ${inner.type}\r\n\r\n`), inner.body, Buffer.from('\r\n--o--\r\n')])
    expect((await open(typed('multipart/related; boundary=o'), body, { requireSignature: true })).outcome).toMatchObject({ ok: false, reason: 'signature-required', disposition: 'insufficient-message-security' })
  })

  it('the second part must be the signature, and must not carry content of its own', async () => {
    const { headers, body } = await built({ sign: { signer: partner } })
    const swapped = body.toString('latin1').split(`--${boundaryIn(headers)}\r\n`)
    const [, first = '', second = ''] = swapped
    const [part, end = ''] = second.split(`\r\n--${boundaryIn(headers)}--`)
    const forged = `--${boundaryIn(headers)}\r\n${part ?? ''}\r\n--${boundaryIn(headers)}\r\n${first.slice(0, -2)}\r\n--${boundaryIn(headers)}--${end}`
    expect((await open(headers, Buffer.from(forged, 'latin1'))).outcome).toMatchObject({ ok: false, reason: 'signature-unreadable' })
    expect((await open(headers, Buffer.from(`--${boundaryIn(headers)}\r\n${first}`, 'latin1'))).outcome).toMatchObject({ ok: false, reason: 'signature-unreadable', disposition: 'authentication-failed' })
  })

  it('a valid signature by somebody else, with his certificate inside, counts for nothing', async () => {
    const { headers, body } = await built({ sign: { signer: stranger } })
    expect((await open(headers, body)).outcome).toMatchObject({ ok: false, reason: 'signer-unknown', disposition: 'authentication-failed', senderAuthenticated: false })
  })

  it('a lying micalg does not choose a weak digest', async () => {
    const { headers, body } = await built({ sign: { signer: partner, digest: 'sha512' } })
    const lying = headers.map(([name, value]): HeaderPair => [name, value.replace('micalg=sha-512', 'micalg=md5')])
    expect((await open(lying, body)).outcome).toMatchObject({ ok: false, reason: 'content-changed' })
    const silent = headers.map(([name, value]): HeaderPair => [name, value.replace('micalg=sha-512; ', '')])
    expect((await open(silent, body)).outcome).toMatchObject({ ok: true, observed: { digest: 'sha512' }, warnings: ['micalg-missing'] })
  })

  it('names and types come from the signed bytes, not from the HTTP headers', async () => {
    const { headers, body } = await built({ sign: { signer: partner } })
    const { outcome } = await open([...headers, ['Content-Disposition', 'attachment; filename="evil.exe"'], ['Subject', 'evil']], body)
    expect(outcome).toMatchObject({ ok: true, payloads: [{ rawName: 'a.edi' }] })
  })
})

describe('layers', () => {
  it.each([
    ['encrypted twice', async () => ({ type: 'application/pkcs7-mime', body: await enveloped(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime\r\n\r\n'), await enveloped(ENTITY)])) })],
    ['signed twice', async () => await Promise.resolve(signedEntity(Buffer.concat([Buffer.from(`Content-Type: ${signedEntity(ENTITY).type.replace('boundary=bb', 'boundary=cc')}\r\n\r\n`), Buffer.from(signedEntity(ENTITY).body.toString('latin1').replaceAll('--bb', '--cc'), 'latin1')])))],
    ['compressed twice', async () => ({ type: 'application/pkcs7-mime', body: await zipped(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime\r\n\r\n'), await zipped(ENTITY)])) })],
    ['encrypted inside the signature', async () => signedEntity(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n'), await enveloped(ENTITY)]))],
  ])('%s is refused', async (_, make) => {
    const { type, body } = await make()
    const { outcome } = await open(typed(type), Buffer.from(body))
    expect(outcome).toMatchObject({ ok: false, reason: 'layers-not-permitted' })
  })

  it('without what the agreement demands, a message is refused before its content is read', async () => {
    let read = 0
    async function* body(): AsyncIterable<Uint8Array> {
      for (let count = 0; count < 1000; count++) {
        read++
        yield await Promise.resolve(Buffer.alloc(1000))
      }
    }
    const outcome = await openMessage(typed('text/plain'), body(), { decryptWith: [], trusted: [] }, memorySink())
    expect(outcome).toMatchObject({ ok: false, reason: 'signature-required', disposition: 'insufficient-message-security' })
    expect(read).toBeLessThan(3)
  })

  it('each missing layer is named', async () => {
    const signed = await built({ sign: { signer: partner } })
    expect((await open(signed.headers, signed.body, { requireEncryption: true })).outcome).toMatchObject({ reason: 'encryption-required', disposition: 'insufficient-message-security', senderAuthenticated: true })
    const encrypted = await built({ encrypt: encryption() })
    expect((await open(encrypted.headers, encrypted.body, { requireSignature: true })).outcome).toMatchObject({ reason: 'signature-required', disposition: 'decryption-failed' })
  })

  it('a receipt is no message', async () => {
    const mdn = buildMdn({ as2From: 'partner', as2To: 'us', disposition: { kind: 'processed' } })
    expect((await open(mdn.headers, Buffer.from(mdn.body))).outcome).toMatchObject({ ok: false, reason: 'malformed' })
  })
})

async function zipped(content: Uint8Array): Promise<Buffer> {
  return Buffer.from(await collect(compress([content]), 2 ** 26))
}

describe('decryption oracle', () => {
  /** EnvelopedData around any ciphertext and any wrapped key, by changing a genuine one of the same size. */
  async function tampered(change: (wrapped: Buffer, content: Buffer) => void, content: Uint8Array = ENTITY): Promise<Buffer> {
    const key = randomBytes(32)
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cbc', key, iv)
    const sealed = Buffer.concat([cipher.update(content), cipher.final()])
    const wrapped = publicEncrypt({ key: us.certificate.publicKey(), padding: constants.RSA_PKCS1_PADDING }, key)
    change(wrapped, sealed)
    const genuine = Buffer.from(await collect(encrypt([content], { ...encryption(), encoding: { form: 'definite', contentLength: content.length } }), 2 ** 26))
    const wrappedAt = genuine.indexOf(Buffer.from([0x04, 0x82, 0x01, 0x00])) + 4
    wrapped.copy(genuine, wrappedAt)
    sealed.copy(genuine, genuine.length - sealed.length)
    iv.copy(genuine, genuine.indexOf(Buffer.from([0x04, 0x10]), wrappedAt + 256) + 2)
    return genuine
  }

  const answers = async (body: Uint8Array, more: Partial<OpenPolicy> = {}): Promise<OpenOutcome> => (await open(typed('application/pkcs7-mime; smime-type=enveloped-data'), Buffer.from(body), { requireSignature: true, requireEncryption: true, ...more })).outcome

  it('gives one answer to everything that fails behind ciphertext', async () => {
    expect(await answers(await tampered(() => undefined), { requireSignature: false })).toMatchObject({ ok: true })
    const notMime = Buffer.from('no head at all')
    const badSigned = signedEntity(ENTITY, stranger)
    const whole = (one: { type: string; body: Buffer }): Buffer => Buffer.concat([Buffer.from(`Content-Type: ${one.type}\r\n\r\n`), one.body])
    const bodies = [
      await tampered((wrapped) => wrapped.fill(1)),
      await tampered((wrapped) => void (wrapped[0] = 0)),
      await tampered((_, content) => void (content[content.length - 20]! ^= 1)),
      await tampered((_, content) => content.fill(7)),
      await tampered(() => undefined, notMime),
      await enveloped(ENTITY),
      await enveloped(whole(badSigned)),
      await enveloped(whole({ ...badSigned, body: Buffer.from('no boundary') })),
      await enveloped(whole({ type: 'multipart/signed', body: badSigned.body })),
      await enveloped(Buffer.from('Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\nnonsense')),
      await enveloped(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n'), (await zipped(randomBytes(1000))).fill(9, 300, 400)])),
      await enveloped(Buffer.from(`${'A: b\r\n'.repeat(300)}Content-Type: x/y\r\n\r\n`)),
      await enveloped(Buffer.from('Content-Type: multipart/related; boundary=x\r\n\r\n--y\r\n')),
    ]
    for (const body of bodies) {
      const outcome = await answers(body)
      expect(outcome).toMatchObject({ ok: false, disposition: 'decryption-failed', senderAuthenticated: false })
    }
  })

  it('tells a sender who proved to be the partner what was wrong, as Drummond wants it', async () => {
    const broken = await zipped(randomBytes(2000))
    broken.fill(9, 300, 400)
    const signed = signedEntity(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\nContent-Transfer-Encoding: binary\r\n\r\n'), broken]))
    const body = await enveloped(Buffer.concat([Buffer.from(`Content-Type: ${signed.type}\r\n\r\n`), signed.body]))
    expect(await answers(body)).toMatchObject({ ok: false, reason: 'decompression', disposition: 'decompression-failed', senderAuthenticated: true })
    const unsigned = await enveloped(ENTITY)
    expect(await answers(unsigned, { senderAuthenticated: true })).toMatchObject({ ok: false, disposition: 'insufficient-message-security' })
  })

  it('what is said openly may be answered openly', async () => {
    expect(await answers(await collect(encrypt([ENTITY], { ...encryption(), cipher: 'des-ede3-cbc', allow: { tripleDes: true } }), 2 ** 20))).toMatchObject({ ok: false, reason: 'algorithm-refused', disposition: 'insufficient-message-security' })
  })

  it('GCM is not read as something older, and nothing counts before its tag', async () => {
    const gcm = Buffer.from(await collect(encrypt([ENTITY], { ...encryption(), cipher: 'aes-256-gcm' }), 2 ** 20))
    for (const at of [gcm.length - 12, gcm.length - 60]) {
      const changed = Buffer.from(gcm)
      changed[at]! ^= 1
      expect(await answers(changed, { requireSignature: false })).toMatchObject({ ok: false, disposition: 'decryption-failed' })
    }
  })
})

describe('exhaustion', () => {
  it('stops zlib bombs, by size and by ratio', async () => {
    const zeros = Buffer.concat([Buffer.from('Content-Type: text/plain\r\n\r\n'), Buffer.alloc(32 * 1024 * 1024)])
    expect(deflateSync(zeros).length).toBeLessThan(40_000)
    const bomb = await zipped(zeros)
    const type = 'application/pkcs7-mime; smime-type=compressed-data'
    expect((await open(typed(type), bomb, { limits: { maxInflateRatio: 500 } })).outcome).toMatchObject({ ok: false, reason: 'bomb', disposition: 'decompression-failed' })
    expect((await open(typed(type), bomb, { limits: { maxInflated: 1024 * 1024 } })).outcome).toMatchObject({ ok: false, reason: 'bomb' })
    expect((await open(typed(type), bomb, { limits: { maxPayload: 1000 } })).outcome).toMatchObject({ ok: false, reason: 'limit' })
  })

  it.each([
    ['too many parts', 'multipart/related; boundary=b', () => `${'--b\r\n\r\nx\r\n'.repeat(1001)}--b--\r\n`],
    ['too deep', 'multipart/related; boundary=b0', () => `${Array.from({ length: 12 }, (_, depth) => `--b${depth}\r\nContent-Type: multipart/related; boundary=b${depth + 1}\r\n\r\n`).join('')}--b12\r\n\r\nx\r\n--b12--`],
    ['a boundary of a kilobyte', `multipart/related; boundary=${'b'.repeat(1000)}`, () => '--b\r\n\r\n'],
    ['an endless preamble', 'multipart/signed; boundary=b', () => 'x'.repeat(100_000)],
    ['a head without end in a part', 'multipart/related; boundary=b', () => `--b\r\n${'Content-Type: text/plain\r\n'.repeat(201)}\r\nx\r\n--b--\r\n`],
  ])('%s', async (_, type, body) => {
    expect((await open(typed(type), Buffer.from(body()))).outcome).toMatchObject({ ok: false, disposition: 'unexpected-processing-error', reason: 'limit' })
  })

  it.each([
    ['no boundary parameter', 'multipart/related', '--b\r\n\r\nx\r\n--b--'],
    ['no part', 'multipart/related; boundary=b', '--b--\r\n'],
    ['a cut attachment', 'multipart/related; boundary=b', '--b\r\n\r\nhalf'],
  ])('%s is malformed', async (_, type, body) => {
    expect((await open(typed(type), Buffer.from(body))).outcome).toMatchObject({ ok: false, reason: 'malformed' })
  })

  it('a thousand parts within the limits come out whole', async () => {
    const { outcome, sink } = await open(typed('multipart/related; boundary=b'), Buffer.from(`${'--b\r\n\r\nx\r\n'.repeat(1000)}--b--\r\n`))
    expect(outcome.ok).toBe(true)
    expect(sink.files()).toHaveLength(1000)
  })

  it('endless receipts are cut off', async () => {
    expect(await openMdn(typed('multipart/report; boundary=b'), [Buffer.alloc(2 ** 20), Buffer.alloc(2 ** 20)], { trusted: [] })).toMatchObject({ kind: 'unreadable' })
  })
})

describe('names', () => {
  it.each(['../../../etc/cron.d/x', '..\\..\\x', '/etc/passwd', 'C:\\Windows\\x', '..', 'CON', 'x\u0000.edi', 'a:b'])('%j never leaves its folder, and is kept as it was', async (rawName) => {
    const head = `Content-Type: text/plain\r\nContent-Disposition: attachment; filename*=UTF-8''${encodeURIComponent(rawName)}\r\n\r\nx`
    const { outcome } = await open(typed('multipart/related; boundary=b'), Buffer.from(`--b\r\n${head}\r\n--b--\r\n`))
    expect(outcome).toMatchObject({ ok: true, payloads: [{ rawName }], warnings: ['payload-name-changed'] })
    if (outcome.ok) expect(outcome.payloads[0]?.safeName).toMatch(/^[^/\\:\0]+$/)
  })

  it('a Message-ID that becomes a name is made safe too', async () => {
    const headers: HeaderPair[] = [['Message-ID', '<../../evil@x>'], ['Content-Type', 'text/plain']]
    expect((await open(headers, CONTENT)).outcome).toMatchObject({ ok: true, payloads: [{ safeName: 'evil@x' }] })
  })
})

describe('receipts', () => {
  const expected = (): MdnExpectation => ({ messageId: '<ours@us>', as2From: 'us', as2To: 'partner', signedReceipt: true, mics: [{ algorithm: 'sha256', over: 'signed-entity', form: 'raw', value: 'bWlj' }] })
  const base = () => ({ as2From: 'partner', as2To: 'us', disposition: { kind: 'processed' as const }, originalMessageId: '<ours@us>', mic: { algorithm: 'sha256' as const, value: 'bWlj' }, sign: { signer: partner } })
  const read = async (headers: readonly HeaderPair[], body: Uint8Array) => judgeMdn(await openMdn(headers, [body], { trusted: [{ certificate: partner.certificate }] }), expected())

  it.each([
    ['delivered', {}],
    ['delivered', { mic: { algorithm: 'sha256', value: 'bWlj' }, quirks: { micSpelling: 'old', signatureEncoding: 'binary', algorithmProtection: true } }],
    ['delivered', { disposition: { kind: 'warning', text: 'duplicate-document' }, mic: undefined }],
    ['mic-mismatch', { mic: { algorithm: 'sha256', value: 'b3RoZXI=' } }],
    ['mic-mismatch', { mic: { algorithm: 'sha512', value: 'bWlj' } }],
    ['mic-missing', { mic: undefined }],
    ['unsigned', { sign: undefined }],
    ['negative', { disposition: { kind: 'error', modifier: 'decryption-failed' }, mic: undefined }],
    ['negative', { disposition: { kind: 'failure', reason: 'unsupported MIC-algorithms' } }],
    ['not-ours', { originalMessageId: '<another@us>' }],
    ['not-ours', { originalMessageId: undefined }],
    ['not-ours', { as2From: 'Partner' }],
    ['not-ours', { as2To: 'them' }],
  ] as const)('%s: %j', async (code, change) => {
    const options = Object.fromEntries(Object.entries({ ...base(), ...change }).filter(([, value]) => value !== undefined)) as unknown as Parameters<typeof buildMdn>[0]
    const mdn = buildMdn(options)
    const verdict = await read(mdn.headers, mdn.body)
    expect(verdict).toMatchObject({ code, delivered: code === 'delivered' })
    expect(verdict.reasons.join(' ')).toMatch(/^[A-Z].*\.$/)
  })

  it('a signature of somebody else, with his certificate inside, is a wrong signer', async () => {
    const mdn = buildMdn({ ...base(), sign: { signer: stranger } })
    const verdict = await read(mdn.headers, mdn.body)
    expect(verdict.code).toBe('wrong-signer')
    expect(verdict.reasons.join(' ')).toContain(stranger.certificate.fingerprintSha256)
  })

  it('a changed receipt, and one beside the signed report, are refused', async () => {
    const negative = buildMdn({ ...base(), disposition: { kind: 'error', modifier: 'authentication-failed' } })
    const text = Buffer.from(negative.body).toString('latin1')
    expect(await read(negative.headers, Buffer.from(text.replace('processed/error: authentication-failed', 'processed'), 'latin1'))).toMatchObject({ code: 'signature-invalid' })
    const mark = `--${boundaryIn(negative.headers)}`
    const forged = buildMdn({ ...base(), sign: { signer: stranger } })
    const inner = Buffer.from(forged.body).toString('latin1').split(`--${boundaryIn(forged.headers)}`)[1] ?? ''
    expect((await read(negative.headers, Buffer.from(`${mark}${inner}${text}`, 'latin1'))).delivered).toBe(false)
    expect((await read(negative.headers, Buffer.from(`${inner}${text}`, 'latin1'))).code).toBe('negative')
  })

  it('HTML, JSON and nothing at all are no receipts', async () => {
    for (const [type, body] of [['text/html', '<html>'], ['application/json', '{}'], ['multipart/report; boundary=b', ''], ['multipart/signed; boundary=b', '--b\r\n\r\n\r\n--b--']] as const) {
      expect(await read(typed(type), Buffer.from(body))).toMatchObject({ code: 'unparsable', delivered: false })
    }
  })
})
