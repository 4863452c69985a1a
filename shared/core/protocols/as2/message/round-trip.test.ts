/** What we build, we open: every combination of layers and receipts, every kind of content, in chunks of any size. */
import { randomBytes } from 'node:crypto'
import { array, assert, asyncProperty, constantFrom, integer, uint8Array } from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { memorySink } from '../../../../../e2e/fixtures/memory-sink.ts'
import { collect, type ContentCipher, type DigestName } from '../../../crypto/cms/index.ts'
import { generateSelfSigned } from '../../../crypto/x509/index.ts'
import { buildMdn, buildMessage, headerValue, judgeMdn, openMdn, openMessage, planReceipt, withContentLength, type BuildOptions, type BuiltMessage, type HeaderPair, type MicCandidate, type OpenedMessage, type OpenPolicy } from './index.ts'

type Pair = Awaited<ReturnType<typeof generateSelfSigned>>
let ours: Pair
let theirs: Pair

beforeAll(async () => {
  ours = await generateSelfSigned({ subject: { commonName: 'ours' }, key: 'rsa-2048' })
  theirs = await generateSelfSigned({ subject: { commonName: 'theirs' }, key: 'rsa-2048' })
})

const CONTENT: Readonly<Record<string, Buffer>> = {
  CRLF: Buffer.from("UNB+UNOA:1'\r\nUNH+1'\r\n"),
  LF: Buffer.from("UNB+UNOA:1'\nUNH+1'\n"),
  'lone CR': Buffer.from("UNB+UNOA:1'\rUNH+1'\r"),
  mixed: Buffer.from('a\r\n\r\nb\n\r\rc\r'),
  nothing: Buffer.alloc(0),
  binary: randomBytes(70_000),
  'like a boundary': Buffer.from('\r\n--waybill_0000--\r\n--\r\n----\r\n'),
  'like a head': Buffer.from('Content-Type: text/plain\r\n\r\nbody'),
}

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

function options(content: Buffer, more: Partial<BuildOptions> = {}): BuildOptions {
  return { as2From: 'Our Id', as2To: 'theirs', payloads: [{ source: pieces(content, 1000), contentType: 'application/edifact', fileName: 'Bestellung März.edi' }], ...more }
}

function policy(more: Partial<OpenPolicy> = {}): OpenPolicy {
  return { decryptWith: [{ ...theirs, id: 'theirs-2026' }], trusted: [{ certificate: ours.certificate, id: 'ours-2026' }], requireSignature: false, requireEncryption: false, ...more }
}

/** Equal content has equal digests in several forms: which one is named does not matter. */
function valuesOf(mics: readonly MicCandidate[]): string[] {
  return mics.map(({ algorithm, value }) => `${algorithm} ${value}`)
}

async function wire(built: BuiltMessage): Promise<{ headers: HeaderPair[]; body: Uint8Array; report: Awaited<BuiltMessage['report']> }> {
  const body = await collect(built.body, 2 ** 28)
  const report = await built.report
  expect(report.bodyBytes).toBe(body.length)
  return { headers: withContentLength(built.headers, report.bodyBytes), body, report }
}

async function opened(headers: readonly HeaderPair[], body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, more: Partial<OpenPolicy> = {}): Promise<{ message: OpenedMessage; files: Buffer[] }> {
  const sink = memorySink()
  const message = await openMessage(headers, body, policy(more), sink)
  if (!message.ok) throw new Error(`${message.reason}: ${message.detail}`)
  return { message, files: sink.files() }
}

const SECURITY = ['none', 'S', 'E', 'SE'] as const
const COMPRESSION = ['no', 'before-signing', 'after-signing'] as const
const RECEIPT = ['none', 'unsigned', 'signed'] as const
const DELIVERY = ['sync', 'async'] as const

const combinations = SECURITY.flatMap((security) => COMPRESSION.flatMap((compression) => RECEIPT.flatMap((receipt) => DELIVERY.map((delivery) => ({ security, compression, receipt, delivery })))))

function layersOf({ security, compression, receipt, delivery }: (typeof combinations)[number]): Partial<BuildOptions> {
  return {
    ...(security.includes('S') ? { sign: { signer: ours } } : {}),
    ...(security.includes('E') ? { encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-256-cbc' as const } } : {}),
    ...(compression === 'no' ? {} : { compress: { when: compression } }),
    ...(receipt === 'none' ? {} : { receipt: { signed: receipt === 'signed', to: 'edi@ours.example', ...(delivery === 'async' ? { asyncUrl: 'https://ours.example/mdn?x=1' } : {}) } }),
  }
}

describe('every combination', () => {
  it.each(combinations)('$security, compressed $compression, receipt $receipt $delivery', async (combination) => {
    for (const content of [CONTENT['CRLF'], CONTENT['mixed'], CONTENT['binary']]) {
      const built = buildMessage(options(content!, layersOf(combination)))
      const { headers, body, report } = await wire(built)
      const { message, files } = await opened(headers, pieces(body, 4096))
      expect(files).toEqual([content])
      const [payload] = message.payloads
      expect(payload).toMatchObject({ rawName: 'Bestellung März.edi', safeName: 'Bestellung März.edi', contentType: 'application/edifact', bytes: content!.length })
      expect(report.payloads).toEqual([{ fileName: 'Bestellung März.edi', contentType: 'application/edifact', bytes: content!.length, sha256: payload!.sha256 }])
      expect(message.layers.map(({ kind }) => kind)).toEqual(built.layers)
      expect(message.warnings).toEqual([])
      expect(report.mics[0]).toEqual(message.mic)
      expect(message.envelope).toMatchObject({ from: { id: 'Our Id', raw: '"Our Id"' }, to: { id: 'theirs' }, messageId: { raw: built.messageId, valid: true }, version: '1.2', features: ['multiple-attachments'] })
      await answered(combination, message, report)
    }
  })

  async function answered({ receipt, delivery }: (typeof combinations)[number], message: OpenedMessage, report: Awaited<BuiltMessage['report']>): Promise<void> {
    const plan = planReceipt(message.envelope.receipt)
    expect(plan.send).toBe(receipt !== 'none')
    if (!plan.send) return
    expect(plan).toMatchObject({ signed: receipt === 'signed', delivery: { mode: delivery } })
    const mdn = buildMdn({ as2From: 'theirs', as2To: 'Our Id', disposition: { kind: 'processed' }, originalMessageId: message.envelope.messageId!.raw, mic: message.mic, ...(plan.signed ? { sign: { signer: theirs, digest: plan.signingDigest } } : {}) })
    expect(headerValue(mdn.headers, 'content-length')).toBe(String(mdn.body.length))
    const reading = await openMdn(mdn.headers, pieces(mdn.body, 100), { trusted: [{ certificate: theirs.certificate }] })
    expect(reading).toMatchObject({ kind: 'mdn', warnings: [], signature: { state: plan.signed ? 'valid' : 'unsigned' }, finalRecipient: 'theirs' })
    const expected = { messageId: message.envelope.messageId!.raw, as2From: 'Our Id', as2To: 'theirs', signedReceipt: plan.signed, mics: report.mics }
    expect(judgeMdn(reading, expected)).toMatchObject({ code: 'delivered', delivered: true })
  }
})

describe('content', () => {
  it.each(Object.keys(CONTENT))('%s comes out as it went in, and every digest of it is known', async (name) => {
    const content = CONTENT[name]!
    for (const quirks of [{}, { payloadEncoding: 'base64' }, { payloadEncoding: '8bit' }, { payloadEncoding: 'none' }, { signatureEncoding: 'binary', layerEncoding: 'base64', micSpelling: 'old', fileNameStyle: 'bare', algorithmProtection: true, signatureOid: 'withDigest' }, { partHeaders: 'content-type-only', oldMediaTypes: true }] as const) {
      for (const more of [{ sign: { signer: ours } }, { sign: { signer: ours }, compress: { when: 'before-signing' }, encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-128-gcm' } }, { compress: { when: 'after-signing' } }] as const) {
        const built = buildMessage(options(content, { ...more, quirks }))
        const { headers, body, report } = await wire(built)
        const { message, files } = await opened(headers, [body])
        expect(files).toEqual([content])
        expect(valuesOf(report.mics)).toContain(valuesOf([message.mic])[0])
      }
    }
  })

  it.each(['sha256', 'sha384', 'sha512', 'sha1'] as const)('signs, and answers, with %s', async (digest: DigestName) => {
    const allow = { sha1: digest === 'sha1' }
    const built = buildMessage(options(CONTENT['LF']!, { sign: { signer: ours, digest }, receipt: { signed: true, to: 'x' }, allow }))
    const { headers, body, report } = await wire(built)
    const { message } = await opened(headers, [body], { allow })
    expect(message.mic).toMatchObject({ algorithm: digest, value: report.mics[0]!.value })
    expect(new Set(report.mics.map(({ algorithm }) => algorithm))).toEqual(new Set(['sha256', 'sha1', 'sha384', 'sha512', 'md5']))
    if (digest === 'sha1') expect(await openMessage(headers, [body], policy(), memorySink())).toMatchObject({ ok: false, reason: 'algorithm-refused' })
  })

  it.each(['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc', 'aes-128-gcm', 'aes-256-gcm'] as const)('encrypts with %s, for two recipients and ourselves', async (cipher: ContentCipher) => {
    const allow = { tripleDes: cipher === 'des-ede3-cbc' }
    const third = await generateSelfSigned({ subject: { commonName: 'third' }, key: 'rsa-2048' })
    const encrypt = {
      recipients: [{ certificate: third.certificate }, { certificate: theirs.certificate, transport: { scheme: 'rsaes-oaep', hash: 'sha256' }, identifyBy: 'ski' }],
      originatorCopy: { certificate: ours.certificate },
      cipher,
    } as const
    const { headers, body } = await wire(buildMessage(options(CONTENT['CRLF']!, { sign: { signer: ours }, encrypt, allow })))
    for (const pair of [ours, theirs, third]) {
      const { message, files } = await opened(headers, [body], { decryptWith: [pair], allow })
      expect(files).toEqual([CONTENT['CRLF']])
      expect(message.observed).toMatchObject({ encrypted: true, cipher, decryptedBy: pair.certificate.fingerprintSha256, signedBy: ours.certificate.fingerprintSha256, digest: 'sha256', signatureScheme: 'rsa-pkcs1', signerKeyBits: 2048 })
    }
    const gcm = cipher.endsWith('gcm')
    expect(await openMessage(headers, [body], policy({ allow, requireAuthenticatedCipher: true }), memorySink())).toMatchObject({ ok: gcm })
    expect(await openMessage(headers, [body], policy({ allow, permittedCiphers: ['aes-192-gcm'] }), memorySink())).toMatchObject({ ok: false, reason: 'algorithm-refused', disposition: 'insufficient-message-security' })
  })

  it.each(['rsa-pss', 'ecdsa'] as const)('signs with %s', async (scheme) => {
    const signer = scheme === 'ecdsa' ? await generateSelfSigned({ subject: { commonName: 'ec' }, key: 'ec-p256' }) : ours
    const { headers, body } = await wire(buildMessage(options(CONTENT['CRLF']!, { sign: { signer, scheme, certificates: [] } })))
    const { message } = await opened(headers, [body], { trusted: [{ certificate: theirs.certificate }, { certificate: signer.certificate }] })
    expect(message.observed.signatureScheme).toBe(scheme)
  })

  it.each([{}, { sign: 1 }, { sign: 1, encrypt: 1, compress: 1 }])('carries several files (%o)', async (layers) => {
    const files = Object.entries(CONTENT)
    const { headers, body, report } = await wire(
      buildMessage(
        options(Buffer.alloc(0), {
          payloads: files.map(([name, content], index) => ({ source: [content], contentType: index === 0 ? 'application/edi-x12' : 'application/pdf', fileName: `${name}.bin` })),
          ...('sign' in layers ? { sign: { signer: ours } } : {}),
          ...('encrypt' in layers ? { encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-256-cbc' as const }, compress: { when: 'before-signing' as const } } : {}),
        }),
      ),
    )
    const result = await opened(headers, pieces(body, 777))
    expect(result.files).toEqual(files.map(([, content]) => content))
    expect(result.message.payloads.map(({ rawName }) => rawName)).toEqual(files.map(([name]) => `${name}.bin`))
    expect(report.payloads.map(({ sha256 }) => sha256)).toEqual(result.message.payloads.map(({ sha256 }) => sha256))
    expect(valuesOf(report.mics)).toContain(valuesOf([result.message.mic])[0])
  })
})

describe('streams', () => {
  it('does not depend on how the bytes are cut', async () => {
    const made = await Promise.all(
      (['S', 'SE'] as const).map(async (security) => await wire(buildMessage(options(CONTENT['mixed']!, layersOf({ security, compression: 'after-signing', receipt: 'signed', delivery: 'sync' }))))),
    )
    await assert(
      asyncProperty(constantFrom(...made), array(integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 40 }), async ({ headers, body, report }, cuts) => {
        const { message, files } = await opened(headers, cutUp(body, cuts))
        expect(files).toEqual([CONTENT['mixed']])
        expect(message.mic).toEqual(report.mics[0])
      }),
      { numRuns: 60 },
    )
  })

  it('gives any content back in any layers', async () => {
    await assert(
      asyncProperty(uint8Array({ maxLength: 400 }), constantFrom(...combinations), constantFrom('binary', 'base64', '8bit', 'none'), async (content, combination, payloadEncoding) => {
        const { headers, body, report } = await wire(buildMessage(options(Buffer.from(content), { ...layersOf(combination), quirks: { payloadEncoding: payloadEncoding as 'binary' } })))
        const { message, files } = await opened(headers, [body])
        expect(files).toEqual([Buffer.from(content)])
        expect(valuesOf(report.mics)).toContain(valuesOf([message.mic])[0])
      }),
      { numRuns: 60 },
    )
  })

  it('keeps memory constant: 256 MiB signed and encrypted, in and out', async () => {
    const chunk = randomBytes(1024 * 1024)
    const count = 256
    async function* large(): AsyncIterable<Uint8Array> {
      for (let index = 0; index < count; index++) yield await Promise.resolve(chunk)
    }
    const built = buildMessage({ ...options(Buffer.alloc(0)), payloads: [{ source: large(), contentType: 'application/octet-stream' }], sign: { signer: ours }, encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-256-gcm' } })
    let bytes = 0
    let peak = 0
    const before = process.memoryUsage().rss
    const outcome = await openMessage(built.headers, built.body, policy(), {
      begin: () => ({
        write(piece) {
          bytes += piece.length
          peak = Math.max(peak, process.memoryUsage().rss - before)
        },
        end: () => undefined,
      }),
    })
    expect(outcome).toMatchObject({ ok: true })
    expect(bytes).toBe(count * chunk.length)
    // What is collected when is the runtime's choice; holding the message once would be more than this.
    expect(peak).toBeLessThan(230 * 1024 * 1024)
    if (outcome.ok) expect(valuesOf((await built.report).mics)).toContain(valuesOf([outcome.mic])[0])
  }, 60_000)

  it('hands on what the source and the sink throw, as it is', async () => {
    const broken = new Error('disk full')
    const { headers, body } = await wire(buildMessage(options(CONTENT['binary']!, { sign: { signer: ours }, compress: { when: 'before-signing' }, encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-256-cbc' } })))
    async function* cut(): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(body.subarray(0, 5000))
      throw broken
    }
    await expect(openMessage(headers, cut(), policy(), memorySink())).rejects.toBe(broken)
    for (const sink of [
      { begin: () => Promise.reject(broken) },
      { begin: () => ({ write: () => Promise.reject(broken), end: () => undefined }) },
      {
        begin: () => ({
          write: () => undefined,
          end: () => {
            throw broken
          },
        }),
      },
    ]) await expect(openMessage(headers, [body], policy(), sink)).rejects.toBe(broken)
    const source = (async function* (): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(Buffer.from('a'))
      throw broken
    })()
    const built = buildMessage({ ...options(Buffer.alloc(0)), payloads: [{ source, contentType: 'text/plain' }], sign: { signer: ours } })
    await expect(collect(built.body, 1000)).rejects.toBe(broken)
    await expect(built.report).rejects.toBe(broken)
  })
})

function cutUp(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const cut: Uint8Array[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(turn % sizes.length === 0 ? 1 : 0, sizes[turn % sizes.length] ?? 1)
    cut.push(bytes.subarray(at, at + size))
    at += size
  }
  return cut
}

