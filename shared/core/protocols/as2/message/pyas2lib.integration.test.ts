/** Both directions against pyas2lib, which none of us wrote: what we build it reads, what it builds we read, receipts too. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memorySink } from '../../../../../e2e/fixtures/memory-sink.ts'
import { findPeer } from '../../../../../e2e/servers/peers.ts'
import { startPyas2Lib, type Pyas2Lib } from '../../../../../e2e/servers/pyas2lib.ts'
import { collect } from '../../../crypto/cms/index.ts'
import { generateSelfSigned, privateKeyPem } from '../../../crypto/x509/index.ts'
import { buildMdn, buildMessage, headerBlock, judgeMdn, openMdn, openMessage, planReceipt, type BuildOptions, type HeaderPair } from './index.ts'

const peer = findPeer('pyas2lib')
type Pair = Awaited<ReturnType<typeof generateSelfSigned>>

const CONTENT = {
  CRLF: Buffer.from("UNB+UNOA:1+OURS+THEIRS'\r\nUNH+1+ORDERS'\r\nUNT+2+1'\r\n"),
  LF: Buffer.from("UNB+UNOA:1+OURS+THEIRS'\nUNH+1+ORDERS'\nUNT+2+1'\n"),
  binary: Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919) % 256)),
}

/** As they stand in an HTTP request, which is how pyas2lib takes them. */
function raw(headers: readonly HeaderPair[], body: Uint8Array): string {
  return Buffer.concat([headerBlock(headers), body]).toString('base64')
}

const layers = [false, true].flatMap((sign) => [false, true].flatMap((encrypt) => [false, true].map((compress) => ({ sign, encrypt, compress }))))
const digests = ['sha1', 'sha256', 'sha384', 'sha512'] as const

describe.skipIf(peer.absent)(`pyas2lib${peer.note}`, () => {
  let pyas2: Pyas2Lib
  let ours: Pair
  let theirs: Pair

  beforeAll(async () => {
    ours = await generateSelfSigned({ subject: { commonName: 'ours' }, key: 'rsa-2048' })
    theirs = await generateSelfSigned({ subject: { commonName: 'theirs' }, key: 'rsa-2048' })
    pyas2 = startPyas2Lib(peer.path ?? '')
  })
  afterAll(() => pyas2.stop())

  const them = (more: Record<string, unknown> = {}) => ({ us: { id: 'THEIRS', key: privateKeyPem(theirs.privateKey), certificate: theirs.certificate.pem() }, them: { id: 'OURS', certificate: ours.certificate.pem(), ...more } })

  describe.each(layers)('signed $sign, encrypted $encrypt, compressed $compress', ({ sign, encrypt, compress }) => {
    it.each(['before-signing', 'after-signing'] as const)('reads what we build, compressed %s, and we read its receipt', async (when) => {
      for (const content of Object.values(CONTENT)) {
        const options: BuildOptions = {
          as2From: 'OURS',
          as2To: 'THEIRS',
          payloads: [{ source: [content], contentType: content === CONTENT.binary ? 'application/octet-stream' : 'application/edifact', fileName: 'orders.edi' }],
          ...(sign ? { sign: { signer: ours } } : {}),
          ...(encrypt ? { encrypt: { recipients: [{ certificate: theirs.certificate }], cipher: 'aes-256-cbc' as const } } : {}),
          ...(compress ? { compress: { when } } : {}),
          receipt: { signed: true, to: 'edi@ours.example' },
        }
        const built = buildMessage(options)
        const body = await collect(built.body, 2 ** 22)
        const { mics } = await built.report
        const answer = await pyas2.ask({ operation: 'parse', ...them({ sign, encrypt }), raw: raw(built.headers, body) })
        expect(answer).toMatchObject({ status: 'processed', error: null, signed: sign, encrypted: encrypt, compressed: compress, content: content.toString('base64'), fileName: 'orders.edi' })
        const mdn = answer['mdn'] as { headers: HeaderPair[]; body: string }
        const reading = await openMdn(mdn.headers, [Buffer.from(mdn.body, 'base64')], { trusted: [{ certificate: theirs.certificate }] })
        expect(reading).toMatchObject({ kind: 'mdn', signature: { state: 'valid' } })
        // it makes no MIC of unsigned messages
        const verdict = judgeMdn(reading, { messageId: built.messageId, as2From: 'OURS', as2To: 'THEIRS', signedReceipt: true, mics })
        expect(verdict.code).toBe(sign ? 'delivered' : 'mic-missing')
      }
    })

    it('builds what we read, and reads our receipt', async () => {
      for (const content of Object.values(CONTENT)) {
        for (const signedReceipt of [true, false]) {
          const contentType = content === CONTENT.binary ? 'application/octet-stream' : 'application/edifact'
          const spec = them({ sign, encrypt, compress, enc_alg: 'aes_256_cbc', mdn_mode: 'SYNC', ...(signedReceipt ? { mdn_digest_alg: 'sha256' } : {}) })
          const built = (await pyas2.ask({ operation: 'build', ...spec, content: content.toString('base64'), contentType })) as { headers: HeaderPair[]; body: string; messageId: string; mic: string | null }
          const sink = memorySink()
          const outcome = await openMessage(built.headers, [Buffer.from(built.body, 'base64')], { decryptWith: [ours], trusted: [{ certificate: theirs.certificate }], requireSignature: sign, requireEncryption: encrypt }, sink)
          if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`)
          // pyas2lib turns LF into CRLF before it does anything to text
          const converted = content === CONTENT.LF && (sign || encrypt || compress)
          expect(sink.files()).toEqual([converted ? Buffer.from(content.toString().replaceAll('\n', '\r\n')) : content])
          expect(outcome.payloads).toMatchObject([{ rawName: 'orders.edi', contentType }])
          if (built.mic !== null) expect(outcome.mic.value).toBe(built.mic)
          const plan = planReceipt(outcome.envelope.receipt)
          if (!plan.send) throw new Error('a receipt was asked for')
          expect(plan.signed).toBe(signedReceipt)
          const mdn = buildMdn({ as2From: 'OURS', as2To: 'THEIRS', disposition: { kind: 'processed' }, originalMessageId: outcome.envelope.messageId?.raw ?? '', mic: outcome.mic, ...(plan.signed ? { sign: { signer: ours, digest: plan.signingDigest } } : {}) })
          const read = { operation: 'mdn', ...spec, messageId: built.messageId, mic: built.mic }
          expect(await pyas2.ask({ ...read, raw: raw(mdn.headers, mdn.body) })).toEqual({ status: 'processed', detail: null })
          const negative = buildMdn({ as2From: 'OURS', as2To: 'THEIRS', disposition: { kind: 'error', modifier: 'decryption-failed' }, originalMessageId: outcome.envelope.messageId?.raw ?? '', ...(plan.signed ? { sign: { signer: ours } } : {}) })
          expect(await pyas2.ask({ ...read, raw: raw(negative.headers, negative.body) })).toEqual({ status: 'processed/error', detail: 'decryption-failed' })
        }
      }
    })
  })

  it.each(digests)('signs and verifies with %s', async (digest) => {
    const allow = { sha1: digest === 'sha1' }
    const built = buildMessage({ as2From: 'OURS', as2To: 'THEIRS', payloads: [{ source: [CONTENT.CRLF], contentType: 'application/edifact' }], sign: { signer: ours, digest }, allow, receipt: { signed: true, to: 'x' } })
    const answer = await pyas2.ask({ operation: 'parse', ...them({ sign: true }), raw: raw(built.headers, await collect(built.body, 2 ** 20)) })
    expect(answer).toMatchObject({ status: 'processed', mic: (await built.report).mics[0]?.value })
    const theirsBuilt = (await pyas2.ask({ operation: 'build', ...them({ sign: true, digest_alg: digest }), content: CONTENT.LF.toString('base64'), contentType: 'application/edifact' })) as { headers: HeaderPair[]; body: string; mic: string }
    const outcome = await openMessage(theirsBuilt.headers, [Buffer.from(theirsBuilt.body, 'base64')], { decryptWith: [], trusted: [{ certificate: theirs.certificate }], requireEncryption: false, allow }, memorySink())
    expect(outcome).toMatchObject({ ok: true, mic: { algorithm: digest, value: theirsBuilt.mic } })
  })

  it.each(['aes_128_cbc', 'aes_192_cbc', 'aes_256_cbc', 'tripledes_192_cbc'] as const)('encrypts with %s, and refuses what was changed', async (enc_alg) => {
    const allow = { tripleDes: enc_alg.startsWith('triple') }
    const built = (await pyas2.ask({ operation: 'build', ...them({ sign: true, encrypt: true, enc_alg }), content: CONTENT.CRLF.toString('base64'), contentType: 'application/edifact' })) as { headers: HeaderPair[]; body: string }
    const body = Buffer.from(built.body, 'base64')
    const policy = { decryptWith: [ours], trusted: [{ certificate: theirs.certificate }], allow }
    expect(await openMessage(built.headers, [body], policy, memorySink())).toMatchObject({ ok: true })
    expect(await openMessage(built.headers, [body], { ...policy, trusted: [{ certificate: ours.certificate }] }, memorySink())).toMatchObject({ ok: false, reason: 'signer-unknown' })
    body[body.length - 300] = (body[body.length - 300] ?? 0) ^ 1
    expect(await openMessage(built.headers, [body], policy, memorySink())).toMatchObject({ ok: false, disposition: 'decryption-failed' })
  })

  it('answers negatively to what is signed by a stranger', async () => {
    const built = buildMessage({ as2From: 'OURS', as2To: 'THEIRS', payloads: [{ source: [CONTENT.CRLF], contentType: 'application/edifact' }], sign: { signer: theirs }, receipt: { signed: true, to: 'x' } })
    const answer = (await pyas2.ask({ operation: 'parse', ...them({ sign: true }), raw: raw(built.headers, await collect(built.body, 2 ** 20)) })) as { mdn: { headers: HeaderPair[]; body: string } }
    const reading = await openMdn(answer.mdn.headers, [Buffer.from(answer.mdn.body, 'base64')], { trusted: [{ certificate: theirs.certificate }] })
    expect(judgeMdn(reading, { messageId: built.messageId, as2From: 'OURS', as2To: 'THEIRS', signedReceipt: true, mics: [] })).toMatchObject({ code: 'negative', delivered: false })
  })
})
