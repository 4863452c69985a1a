/** Messages and receipts of other products, recorded on the wire: decoded to the stated payload, MIC and disposition. */
import { describe, expect, it } from 'vitest'
import { as2Fixtures, labIndex, parseRecorded, readFixture } from '../../../../../e2e/fixtures/as2.ts'
import { parseSignedData } from '../../../crypto/cms/index.ts'
import { readCertificate, readCertificates, readPrivateKey, type Certificate } from '../../../crypto/x509/index.ts'
import { readMultipart } from './multipart.ts'
import { classifyBody, judgeMdn, openMdn, openMessage, readMediaType, type HeaderPair, type MdnReading, type OpenOutcome, type OpenPolicy } from './index.ts'
import { memorySink } from '../../../../../e2e/fixtures/memory-sink.ts'

const LAB = 'lab-openas2'
const THIRD = 'third-party'
const PYAS2 = `${THIRD}/pyas2-lib/pyas2lib/tests/fixtures`
const PHASE2 = `${THIRD}/phase2/phase2-lib/src/test/resources/external/mdn`
const LIBAS2 = `${THIRD}/node-libas2/test/test-data`
const WEAK = { sha1: true, md5: true, tripleDes: true, minRsaBits: 1024 }

function bound(path: string): { certificate: Certificate }[] {
  return readCertificates(readFixture(path)).map((certificate) => ({ certificate }))
}

async function open(headers: readonly HeaderPair[], body: Uint8Array, policy: Partial<OpenPolicy>): Promise<{ outcome: OpenOutcome; files: Buffer[] }> {
  const sink = memorySink()
  const outcome = await openMessage(headers, [body], { decryptWith: [], trusted: [], requireSignature: false, requireEncryption: false, allow: WEAK, ...policy }, sink)
  return { outcome, files: sink.files() }
}

describe.skipIf(as2Fixtures.absent)(`recorded OpenAS2 exchanges${as2Fixtures.note}`, () => {
  const entries = as2Fixtures.absent ? [] : labIndex()
  const certificate = (name: string): Certificate => readCertificate(readFixture(`${LAB}/keys/${name}.crt.pem`))
  const lab = (): Partial<OpenPolicy> => ({
    decryptWith: [{ certificate: certificate('oas2b'), privateKey: readPrivateKey(readFixture(`${LAB}/keys/oas2b.key.pem`)) }],
    trusted: [{ certificate: certificate('oas2a') }],
    micOfCompressed: 'without-headers',
  })
  const original = (file: string): Buffer => readFixture(`${LAB}/payload/${file.includes('-bin.') ? 'bin.dat' : file.includes('-lf.') ? 'lf.edi' : 'crlf.edi'}`)

  it('has all of them', () => expect(entries).toHaveLength(35))

  it.each(entries.map((entry) => [entry.file, entry] as const))('opens %s', async (file, entry) => {
    const message = parseRecorded(readFixture(`${LAB}/${file}`), { startLine: true })
    expect(classifyBody(message.headers, message.body.subarray(0, 4096))).toBe('message')
    const { outcome, files } = await open(message.headers, message.body, lab())
    if (!outcome.ok) throw new Error(outcome.detail)
    expect(files).toEqual([original(file)])
    expect(outcome.payloads[0]).toMatchObject({ sha256: entry.payload_sha256, contentType: 'application/edi-x12' })
    const recorded = { E: 'encrypted', S: 'signed', Z: 'compressed' } as const
    expect(outcome.layers.map(({ kind }) => kind)).toEqual(entry.layers.flatMap((layer) => recorded[layer.slice(0, 1) as keyof typeof recorded] ?? []))
    if (entry.mic !== null) expect(outcome.mic).toMatchObject({ value: entry.mic, algorithm: entry.mic_alg?.toLowerCase() })
  })

  it.each(entries.filter(({ disposition }) => disposition !== null).map((entry) => [entry.file, entry] as const))('reads and judges the receipt for %s', async (file, entry) => {
    const name = file.startsWith('async') ? 'async-crlf.async-mdn.req' : file.replace('.req', '.res')
    const answer = parseRecorded(readFixture(`${LAB}/${name}`), { startLine: true })
    const sent = parseRecorded(readFixture(`${LAB}/${file}`), { startLine: true })
    const header = (wanted: string): string => sent.headers.find(([one]) => one.toLowerCase() === wanted)?.[1] ?? ''
    expect(classifyBody(answer.headers, answer.body.subarray(0, 4096))).toBe('mdn')
    const reading = await openMdn(answer.headers, [answer.body], { trusted: [{ certificate: certificate('oas2b') }], allow: WEAK })
    expect(reading).toMatchObject({ kind: 'mdn', disposition: { raw: entry.disposition, outcome: 'processed' }, signature: { state: entry.mdn_signed ? 'valid' : 'unsigned' } })
    const { outcome } = await open(sent.headers, sent.body, lab())
    if (!outcome.ok) throw new Error(outcome.detail)
    const expected = { messageId: header('message-id'), as2From: header('as2-from'), as2To: header('as2-to'), signedReceipt: entry.mdn_signed, mics: [outcome.mic] }
    expect(judgeMdn(reading, expected)).toMatchObject({ code: 'delivered', delivered: true })
    expect(judgeMdn(reading, { ...expected, messageId: '<other@here>' }).code).toBe('not-ours')
    expect(judgeMdn(reading, { ...expected, as2To: expected.as2To.toLowerCase() }).code).toBe('not-ours')
    if (entry.mdn_signed) {
      expect(judgeMdn(reading, { ...expected, mics: [{ ...outcome.mic, value: 'AAAA' }] }).code).toBe('mic-mismatch')
      const stranger = await openMdn(answer.headers, [answer.body], { trusted: [{ certificate: certificate('oas2a') }], allow: WEAK })
      expect(judgeMdn(stranger, expected).code).toBe('wrong-signer')
      const text = answer.body.toString('latin1')
      const forged = await openMdn(answer.headers, [Buffer.from(text.replace('; processed', '; processed '), 'latin1')], { trusted: [{ certificate: certificate('oas2b') }], allow: WEAK })
      expect(judgeMdn(forged, expected).code).toBe('signature-invalid')
    }
  })

  it.each(['std-crlf', 'signonly-crlf', 'zbs-bin', 'zas-crlf', 'signbin-crlf'])('refuses %s signed by somebody else', async (name) => {
    const message = parseRecorded(readFixture(`${LAB}/${name}.msg.req`), { startLine: true })
    const { outcome } = await open(message.headers, message.body, { ...lab(), trusted: [{ certificate: certificate('tsengine') }] })
    expect(outcome).toMatchObject({ ok: false, reason: 'signer-unknown', disposition: name.startsWith('sign') ? 'authentication-failed' : 'decryption-failed', senderAuthenticated: false })
  })

  it('refuses signed messages whose content was changed, in one octet', async () => {
    const message = parseRecorded(readFixture(`${LAB}/signonly-crlf.msg.req`), { startLine: true })
    const body = Buffer.from(message.body)
    body[body.indexOf('4500001')] = 0x35
    const { outcome } = await open(message.headers, body, lab())
    expect(outcome).toMatchObject({ ok: false, reason: 'content-changed', disposition: 'integrity-check-failed' })
  })

  it('refuses what is encrypted for somebody else', async () => {
    const message = parseRecorded(readFixture(`${LAB}/std-crlf.msg.req`), { startLine: true })
    const { outcome } = await open(message.headers, message.body, { ...lab(), decryptWith: [{ certificate: certificate('tsengine'), privateKey: readPrivateKey(readFixture(`${LAB}/keys/tsengine.key.pem`)) }] })
    expect(outcome).toMatchObject({ ok: false, reason: 'not-for-us', disposition: 'decryption-failed' })
  })

  it('refuses weak algorithms without an exception', async () => {
    for (const name of ['sha1-3des-crlf', 'md5-crlf']) {
      const message = parseRecorded(readFixture(`${LAB}/${name}.msg.req`), { startLine: true })
      expect((await open(message.headers, message.body, { ...lab(), allow: {} })).outcome).toMatchObject({ ok: false, reason: 'algorithm-refused', disposition: 'insufficient-message-security' })
      expect((await open(message.headers, message.body, { ...lab(), allow: { tripleDes: true } })).outcome).toMatchObject({ ok: false, reason: 'algorithm-refused', disposition: 'decryption-failed' })
    }
  })
})

describe.skipIf(as2Fixtures.absent)(`messages of other products${as2Fixtures.note}`, () => {
  const payload = { bytes: 620, rawName: 'payload.txt', sha256: '359d17b5134ed254e575084acbd73e0e4dbb088b2e8595fe046984d9c57ac509' }
  const mendelson = { trusted: `${PYAS2}/cert_mecas2_public.pem`, payload, algorithm: 'sha256' } as const
  const table = [
    { file: `${THIRD}/restored/mecas2_signed.as2`, ...mendelson, mic: 'G6PhshLOERWJEIfypIh6Q3sno6cBUWJBDky1igJvDMo=', warnings: ['preamble'] },
    { file: `${PYAS2}/mecas2_compressed.as2`, ...mendelson, mic: '14SZThwSYUH4aPdkglDwdRFnKUFmgjKsJFZWcSXBTww=', warnings: ['preamble'] },
    { file: `${PYAS2}/mecas2_signed_encrypted.as2`, ...mendelson, mic: 'G6PhshLOERWJEIfypIh6Q3sno6cBUWJBDky1igJvDMo=', warnings: [] },
    { file: `${PYAS2}/mecas2_compressed_signed_encrypted.as2`, ...mendelson, mic: '14SZThwSYUH4aPdkglDwdRFnKUFmgjKsJFZWcSXBTww=', warnings: [] },
    { file: `${PYAS2}/mecas2_encrypted.as2`, ...mendelson, mic: 'NZ0XtRNO0lTldQhKy9c+Dk27CIsuhZX+BGmE2cV6xQk=', warnings: ['payload-without-header'] },
    {
      file: `${THIRD}/restored/sterling-signed-compressed.as2`,
      trusted: `${PYAS2}/cert_sb2bi_public.pem`,
      payload: { bytes: 2247 },
      algorithm: 'sha1',
      mic: 'nZlzT7DuLh1J6ijDrDTkByY6WSM=',
      warnings: ['certificate-expired'],
    },
    { file: `${LIBAS2}/content.signed.txt`, trusted: `${LIBAS2}/libas2community.cer`, payload: { bytes: 595, rawName: 'message.edi' }, algorithm: 'sha256', mic: 'bIwxkbRLLtHWlniKxMReISQ/GvEve0LV/hxdl9OD0E8=', warnings: ['header-folded', 'signed-form-canonical'], converted: true },
  ] as const

  it.each(table.map((row) => [row.file.replace(/^.*\//, ''), row] as const))('opens %s', async (_, row) => {
    const message = parseRecorded(readFixture(row.file), { startLine: false })
    const { outcome } = await open(message.headers, message.body, { trusted: bound(row.trusted), decryptWith: [pyas2Key()], ...('converted' in row ? { convertedLineEnds: true } : {}) })
    if (!outcome.ok) throw new Error(outcome.detail)
    expect(outcome.payloads).toMatchObject([row.payload])
    expect(outcome.mic).toMatchObject({ algorithm: row.algorithm, value: row.mic })
    expect(outcome.warnings).toEqual(row.warnings.filter((warning) => warning !== 'header-folded'))
  })

  function pyas2Key(): OpenPolicy['decryptWith'][number] {
    return { certificate: readCertificate(readFixture(`${PYAS2}/cert_test_public.pem`)), privateKey: readPrivateKey(readFixture(`${PYAS2}/cert_test.pem`), 'test') }
  }

  it('opens RSSBus: no transfer encoding, LF content digested raw; and refuses it when only its own certificate speaks for it', async () => {
    const message = parseRecorded(readFixture(`${THIRD}/restored/rssbus-issue12-signed.as2`), { startLine: false })
    expect((await open(message.headers, message.body, {})).outcome).toMatchObject({ ok: false, reason: 'signer-unknown', disposition: 'authentication-failed' })
    const { outcome } = await open(message.headers, message.body, { trusted: await embeddedOf(message) })
    expect(outcome).toMatchObject({ ok: true, mic: { algorithm: 'sha1', value: 'at/9v/j0Bth6KTBNxkUmv1xHhOo=', form: 'raw' } })
  })

  /** What a careless receiver would trust. */
  async function embeddedOf(message: { headers: readonly HeaderPair[]; body: Buffer }): Promise<{ certificate: Certificate }[]> {
    const boundary = readMediaType(message.headers.find(([name]) => /^content-type$/i.test(name))?.[1]).parameters.get('boundary') ?? ''
    const parts: Buffer[] = []
    for await (const part of readMultipart([message.body], { boundary, maxBoundary: 200, maxParts: 9, maxPreamble: 9999, note: () => undefined })) {
      const chunks: Uint8Array[] = []
      for await (const chunk of part) chunks.push(chunk)
      parts.push(Buffer.concat(chunks))
    }
    const part = parts[1] ?? Buffer.alloc(0)
    const content = part.subarray(part.indexOf('\r\n\r\n') + 4)
    const der = content[0] === 0x30 ? content : Buffer.from(content.toString('latin1'), 'base64')
    return parseSignedData(der).embeddedCertificates.flatMap(({ certificate }) => (certificate === undefined ? [] : [{ certificate }]))
  }

  it('opens PKI.js: OAEP with SHA-512, in base64', async () => {
    const message = parseRecorded(readFixture(`${LIBAS2}/content.encrypted.txt`), { startLine: false })
    const key = { certificate: readCertificate(readFixture(`${LIBAS2}/libas2community.cer`)), privateKey: readPrivateKey(readFixture(`${LIBAS2}/libas2community.key`)) }
    const { outcome, files } = await open(message.headers, message.body, { decryptWith: [key] })
    expect(outcome).toMatchObject({ ok: true, observed: { cipher: 'aes-128-cbc', keyTransport: 'rsaes-oaep-sha512' }, payloads: [{ rawName: 'message.edi' }] })
    expect(files[0]?.toString()).toMatch(/^ISA\*/)
  })

  it.each([
    [`${PYAS2}/mecas2_signed.as2`, `${PYAS2}/cert_mecas2_public.pem`, 'content-changed', 'integrity-check-failed'],
    [`${PYAS2}/sb2bi_signed_cmp.msg`, `${PYAS2}/cert_sb2bi_public.pem`, 'signature-invalid', 'authentication-failed'],
  ])('refuses %s, which a conversion of line ends damaged', async (file, trusted, reason, disposition) => {
    const message = parseRecorded(readFixture(file), { startLine: false })
    const { outcome } = await open(message.headers, message.body, { trusted: bound(trusted) })
    expect(outcome).toMatchObject({ ok: false, reason, disposition })
  })
})

describe.skipIf(as2Fixtures.absent)(`receipts of other products${as2Fixtures.note}`, () => {
  async function read(file: string, trusted: string | null): Promise<MdnReading> {
    const message = parseRecorded(readFixture(file), { startLine: false })
    return await openMdn(message.headers, [message.body], { trusted: trusted === null ? [] : bound(trusted), allow: WEAK })
  }

  it('phase2 behind Apache: a negative one, signed with a certificate that has expired since', async () => {
    const reading = await read(`${THIRD}/restored/20190925-david.mdn`, `${PHASE2}/20190925-david.pem`)
    expect(reading).toMatchObject({ signature: { state: 'valid' }, disposition: { outcome: 'error', modifier: 'unexpected-processing-error' }, warnings: ['certificate-expired', 'header-folded'] })
    const expected = { messageId: '54a4867b-77ff-4edd-9fdb-a1e8e5b63860@1569357558959', as2From: 'POP000143', as2To: 'PDK000270', signedReceipt: true, mics: [] }
    expect(judgeMdn(reading, expected).code).toBe('negative')
  })

  it('libas2: 8bit on the report, an empty line before the first boundary', async () => {
    const reading = await read(`${THIRD}/restored/libas2-mdn-signed.mdn`, `${LIBAS2}/as2testing.cer`)
    expect(reading).toMatchObject({ signature: { state: 'valid' }, disposition: { outcome: 'processed' }, mic: { algorithm: 'sha256' } })
  })

  it('Sterling: no signed attributes, raw signature, a part without head, no blanks', async () => {
    const reading = await read(`${PYAS2}/sb2bi_signed.mdn`, `${PYAS2}/cert_sb2bi_public.pem`)
    expect(reading).toMatchObject({ signature: { state: 'valid', report: { attributes: 'none' } }, disposition: { outcome: 'processed' }, mic: { algorithm: 'sha1', value: 'wNh76aEicfBurg/et2wio4zk/2I=' }, text: expect.stringContaining('successfully received') as string })
  })

  it('mendelson: unsigned and negative, with LF line ends', async () => {
    const reading = await read(`${PYAS2}/mecas2_unsigned.mdn`, null)
    expect(reading).toMatchObject({ signature: { state: 'unsigned' }, disposition: { outcome: 'error', modifier: 'authentication-failed' } })
    expect(reading).not.toHaveProperty('mic')
  })

  it.each([
    [`${THIRD}/restored/issue97.mdn`, null],
    [`${PYAS2}/mecas2_signed.mdn`, `${PYAS2}/cert_mecas2_public.pem`],
  ])('%s is valid by its own certificate only, which does not count', async (file, trusted) => {
    expect(await read(file, trusted)).toMatchObject({ kind: 'mdn', signature: { state: 'signer-unknown', embedded: [expect.stringMatching(/^[0-9a-f]{64}$/)] } })
  })

  it('a receipt that a conversion of line ends damaged does not verify', async () => {
    expect(await read(`${LIBAS2}/mdn.signed.txt`, `${LIBAS2}/as2testing.cer`)).toMatchObject({ signature: { state: 'invalid' } })
  })

  it('a signature destroyed by a conversion to UTF-8 is unreadable, and says so', async () => {
    const reading = await read(`${PHASE2}/4af6f84c-d882-4466-8e0c-305a7fbe37b3.payload`, `${PHASE2}/4af6f84c-d882-4466-8e0c-305a7fbe37b3.pem`)
    expect(reading).toMatchObject({ kind: 'mdn', signature: { state: 'unreadable' } })
    const expected = { messageId: '4af6f84c-d882-4466-8e0c-305a7fbe37b3@QVALIA-PSE000094', as2From: 'PSE000094', as2To: 'POP000046', signedReceipt: true, mics: [] }
    expect(judgeMdn(reading, expected)).toMatchObject({ code: 'signature-invalid', delivered: false })
  })
})
