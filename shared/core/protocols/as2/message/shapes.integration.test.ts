/**
 * Messages as other products write them: made by OpenSSL, layer by layer, and put together as Sterling, BizTalk, mendelson and others are known
 * to (as2 section 2). What comes out must be the payload, and the MIC over what was signed.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memorySink } from '../../../../../e2e/fixtures/memory-sink.ts'
import { findPeer } from '../../../../../e2e/servers/peers.ts'
import { generateSelfSigned, privateKeyPem } from '../../../crypto/x509/index.ts'
import { judgeMdn, openMdn, openMessage, type HeaderPair, type OpenOutcome, type OpenPolicy } from './index.ts'

type Pair = Awaited<ReturnType<typeof generateSelfSigned>>
const openssl = findPeer('openssl')

const CONTENT = Buffer.from("UNB+UNOC:3+A+B'\r\nUNZ+1'\r\n")
const ENTITY = Buffer.concat([Buffer.from('Content-Type: application/EDIFACT\r\nContent-Disposition: attachment; filename="orders.edi"\r\n\r\n'), CONTENT])
const AS2: readonly HeaderPair[] = [['AS2-From', 'THEM'], ['AS2-To', 'US'], ['AS2-Version', '1.2'], ['Message-ID', '<1@them>']]

describe.skipIf(openssl.absent)(`messages as other products write them${openssl.note}`, () => {
  let folder: string
  let them: Pair
  let us: Pair
  let other: Pair

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-shapes-'))
    ;[them, us, other] = [
      await generateSelfSigned({ subject: { commonName: 'them' }, key: 'rsa-2048' }),
      await generateSelfSigned({ subject: { commonName: 'us' }, key: 'rsa-2048' }),
      await generateSelfSigned({ subject: { commonName: 'other' }, key: 'rsa-2048' }),
    ]
    for (const [name, pair] of Object.entries({ them, us, other })) {
      writeFileSync(join(folder, `${name}.pem`), pair.certificate.pem())
      writeFileSync(join(folder, `${name}.key`), privateKeyPem(pair.privateKey))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (input: Buffer, ...args: string[]): Buffer => {
    writeFileSync(join(folder, 'in'), input)
    const [command = '', action = '', ...rest] = args
    execFileSync('openssl', [command, action, '-in', 'in', '-out', 'out', ...rest], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    return readFileSync(join(folder, 'out'))
  }
  const sign = (entity: Buffer, ...args: string[]): Buffer => run(entity, 'cms', '-sign', '-signer', 'them.pem', '-inkey', 'them.key', '-md', 'sha256', ...args)
  const encrypt = (entity: Buffer, ...args: string[]): Buffer => run(entity, 'cms', '-encrypt', '-binary', '-aes256', ...args, 'us.pem')
  const der = (entity: Buffer, ...args: string[]): Buffer => sign(entity, '-binary', '-outform', 'DER', ...args)

  /** What stands above the first empty line goes into the HTTP header, as a gateway does with a mail. */
  const split = (message: Buffer): { headers: HeaderPair[]; body: Buffer } => {
    const text = message.toString('latin1')
    const end = /\r?\n\r?\n/.exec(text)
    const at = (end?.index ?? 0) + (end?.[0].length ?? 0)
    const fields = text.slice(0, end?.index).split(/\r?\n(?![ \t])/).map((line): HeaderPair => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replaceAll(/\r?\n[ \t]+/g, ' ').trim()])
    return { headers: [...AS2, ...fields], body: message.subarray(at) }
  }
  const policy = (more: Partial<OpenPolicy>): OpenPolicy => ({ decryptWith: [us], trusted: [{ certificate: them.certificate }], requireSignature: false, requireEncryption: false, ...more })
  const open = async (headers: readonly HeaderPair[], body: Uint8Array, more: Partial<OpenPolicy> = {}): Promise<{ outcome: OpenOutcome; files: Buffer[] }> => {
    const sink = memorySink()
    return { outcome: await openMessage(headers, [body], policy(more), sink), files: sink.files() }
  }
  const isWhole = async (headers: readonly HeaderPair[], body: Uint8Array, expected: { layers: readonly string[]; mic?: Buffer; content?: Buffer; name?: string }): Promise<void> => {
    const { outcome, files } = await open(headers, body)
    expect(outcome.ok ? 'opened' : `${outcome.reason}: ${outcome.detail}`).toBe('opened')
    if (!outcome.ok) return
    expect(outcome.layers.map(({ kind }) => kind)).toEqual(expected.layers)
    expect(files).toHaveLength(1)
    expect(files[0]?.equals(expected.content ?? CONTENT), files[0]?.toString('latin1').slice(0, 200)).toBe(true)
    expect(outcome.payloads[0]?.safeName).toBe(expected.name ?? 'orders.edi')
    if (expected.mic !== undefined) expect(outcome.mic?.value).toBe(createHash('sha256').update(expected.mic).digest('base64'))
  }
  const http = (type: string, ...more: HeaderPair[]): HeaderPair[] => [...AS2, ['Content-Type', type], ...more]
  const multipart = (parts: readonly (Buffer | string)[], { boundary = '----=_Part_7_1.2', preamble = '', epilogue = '', end = '\r\n' } = {}): Buffer =>
    Buffer.concat([Buffer.from(preamble), ...parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), Buffer.from(part as string), Buffer.from('\r\n')]), Buffer.from(`--${boundary}--${end}${epilogue}`)])
  const signedType = (more = 'micalg=sha-256', boundary = '"----=_Part_7_1.2"'): string => `multipart/signed; protocol="application/pkcs7-signature"; ${more}; boundary=${boundary}`
  const signature = (head: string, bytes: Buffer): Buffer => Buffer.concat([Buffer.from(head === '' ? '\r\n' : `${head}\r\n\r\n`), bytes])
  const P7S = 'Content-Type: application/pkcs7-signature; name=smime.p7s'

  describe('signed as openssl writes mails', () => {
    it.each([
      ['with a preamble, CRLF', ['-binary', '-crlfeol']],
      ['with LF in what is not content', ['-binary']],
      ['in the canonical form', []],
      ['without attributes', ['-binary', '-crlfeol', '-noattr']],
      ['without a certificate', ['-binary', '-crlfeol', '-nocerts']],
      ['by key identifier', ['-binary', '-crlfeol', '-keyid']],
      ['with PSS and its parameters', ['-binary', '-crlfeol', '-keyopt', 'rsa_padding_mode:pss']],
      ['without the list of capabilities, in BER', ['-binary', '-crlfeol', '-nosmimecap', '-stream']],
    ])('%s', async (_, args) => {
      const { headers, body } = split(sign(ENTITY, ...args))
      await isWhole(headers, body, { layers: ['signed'], mic: ENTITY })
    })

    it.each([
      ['by two, one of whom is the partner', ['-signer', 'other.pem', '-inkey', 'other.key']],
      ['with further certificates', ['-certfile', 'other.pem']],
    ])('%s', async (_, args) => {
      const { headers, body } = split(sign(ENTITY, '-binary', '-crlfeol', ...args))
      await isWhole(headers, body, { layers: ['signed'], mic: ENTITY })
    })

    it.each([
      ['opaque, in Base64', ['-binary', '-nodetach', '-crlfeol']],
      ['opaque, in BER', ['-binary', '-nodetach', '-stream', '-crlfeol']],
    ])('%s', async (_, args) => {
      const { headers, body } = split(sign(ENTITY, ...args))
      await isWhole(headers, body, { layers: ['signed'], mic: ENTITY })
    })
  })

  describe('signed, put together by hand', () => {
    const parts = (): readonly [Buffer, Buffer] => [ENTITY, der(ENTITY)]
    it.each<[string, (entity: Buffer, p7s: Buffer) => { headers: HeaderPair[]; body: Buffer }]>([
      ['a raw signature part without transfer encoding (Sterling)', (entity, p7s) => ({ headers: http(signedType('micalg=SHA256')), body: multipart([entity, signature('content-type: application/pkcs7-signature;name=EDIINTSIG.p7s', p7s)]) })],
      ['Base64 in one long line', (entity, p7s) => ({ headers: http(signedType()), body: multipart([entity, signature(`${P7S}\r\nContent-Transfer-Encoding: base64`, Buffer.from(p7s.toString('base64')))]) })],
      ['Base64 with LF, and no word of it', (entity, p7s) => ({ headers: http(signedType()), body: multipart([entity, signature(P7S, Buffer.from(p7s.toString('base64').replaceAll(/.{64}/g, '$&\n')))]) })],
      ['folded heads, with TABs', (entity, p7s) => ({ headers: http(signedType()), body: multipart([entity, signature('Content-Type: application/x-pkcs7-signature;\r\n\tname="smime.p7s"\r\nContent-Transfer-Encoding:\r\n\tbase64\r\nContent-Disposition: attachment;\r\n filename="smime.p7s"', Buffer.from(p7s.toString('base64').replaceAll(/.{76}/g, '$&\r\n')))]) })],
      ['neither micalg nor protocol, parameters in capitals and without quotes', (entity, p7s) => ({ headers: http('Multipart/Signed;BOUNDARY=----=_Part_7_1.2'), body: multipart([entity, signature(P7S, p7s)]) })],
      ['a list of algorithms, and colons and semicolons at the end', (entity, p7s) => ({ headers: http(`${signedType('micalg="rsa-sha256, sha1"')};`), body: multipart([entity, signature(`${P7S};`, p7s)]) })],
      ['a head that was copied above the first boundary, and words below the last', (entity, p7s) => ({ headers: http(signedType()), body: multipart([entity, signature(P7S, p7s)], { preamble: 'Content-Type: multipart/signed\r\n\r\nThis is a signed message\r\n\r\n', epilogue: '\r\nsent by a gateway\r\n' }) })],
      ['no line end after the last boundary', (entity, p7s) => ({ headers: http(signedType()), body: multipart([entity, signature(P7S, p7s)], { end: '' }) })],
      ['blanks after the boundaries', (entity, p7s) => ({ headers: http(signedType()), body: Buffer.from(multipart([entity, signature(P7S, p7s)]).toString('latin1').replaceAll(/(------=_Part_7_1\.2(?:--)?)\r\n/g, '$1 \t\r\n'), 'latin1') })],
      ['the whole body in Base64', (entity, p7s) => ({ headers: http(signedType(), ['Content-Transfer-Encoding', 'base64']), body: Buffer.from(multipart([entity, signature(P7S, p7s)]).toString('base64').replaceAll(/.{76}/g, '$&\r\n')) })],
      ['identifiers in quotes, header names in any case', (entity, p7s) => ({ headers: [['as2-from', '"THEM"'], ['AS2-TO', '"US"'], ['message-id', '1@them'], ['content-type', signedType()], ['EDIINT-Features', 'multiple-attachments, CEM, AS2-Reliability']], body: multipart([entity, signature(P7S, p7s)]) })],
    ])('%s', async (_, made) => {
      const { headers, body } = made(...parts())
      await isWhole(headers, body, { layers: ['signed'], mic: ENTITY })
    })

    it('content without a line end, empty, binary with bare LF and CR: byte for byte', async () => {
      for (const content of [Buffer.from('no line end'), Buffer.alloc(0), Buffer.from([0, 10, 13, 10, 10, 13, 255, 26])]) {
        const entity = Buffer.concat([Buffer.from('Content-Type: application/octet-stream; name=orders.edi\r\n\r\n'), content])
        await isWhole(http(signedType()), multipart([entity, signature(P7S, der(entity))]), { layers: ['signed'], mic: entity, content })
      }
    })

    it('names in RFC 2231 pieces, RFC 2047 words, or bare with blanks', async () => {
      for (const [disposition, name] of [
        ["attachment; filename*0*=UTF-8''Bestellung%20; filename*1*=M%C3%A4rz.edi", 'Bestellung März.edi'],
        ['attachment; filename="=?ISO-8859-1?Q?Bestellung_M=E4rz.edi?="', 'Bestellung März.edi'],
        ['Attachment; Filename="=?UTF-8?B?QmVzdGVsbHVuZyBNw6Q=?= =?UTF-8?B?cnouZWRp?="', 'Bestellung März.edi'],
        ['attachment; filename="=?UTF-8?B?QmVzdGVsbHVuZyBNww==?= =?UTF-8?B?pHJ6LmVkaQ==?="', 'Bestellung März.edi'],
        ['attachment; filename=order of march.edi', 'order of march.edi'],
        ['attachment; filename=""order.edi""', 'order.edi'],
        ['attachment; filename="C:\\out\\order.edi"', 'order.edi'],
      ] as const) {
        const entity = Buffer.concat([Buffer.from(`Content-Type: application/edifact\r\nContent-Disposition: ${disposition}\r\n\r\n`), CONTENT])
        await isWhole(http(signedType()), multipart([entity, signature(P7S, der(entity))]), { layers: ['signed'], mic: entity, name })
      }
    })

    it('a payload in Base64 or quoted-printable: decoded, and the MIC over what was signed', async () => {
      for (const [encoding, bytes] of [['base64', Buffer.from(CONTENT.toString('base64'))], ['Quoted-Printable', Buffer.from(CONTENT.toString('latin1').replaceAll('+', '=2B'))]] as const) {
        const entity = Buffer.concat([Buffer.from(`Content-Type: application/edifact; name=orders.edi\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`), bytes])
        await isWhole(http(signedType()), multipart([entity, signature(P7S, der(entity))]), { layers: ['signed'], mic: entity })
      }
    })

    it('several signers of whom none is the partner are nobody', async () => {
      const p7s = run(ENTITY, 'cms', '-sign', '-binary', '-outform', 'DER', '-signer', 'other.pem', '-inkey', 'other.key', '-signer', 'us.pem', '-inkey', 'us.key')
      const { outcome } = await open(http(signedType()), multipart([ENTITY, signature(P7S, p7s)]))
      expect(outcome).toMatchObject({ ok: false, reason: 'signer-unknown', disposition: 'authentication-failed' })
    })
  })

  describe('encrypted', () => {
    it.each<[string, (ciphertext: Buffer) => { headers: HeaderPair[]; body: Buffer }]>([
      ['usual', (body) => ({ headers: http('application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'), body })],
      ['an old media type', (body) => ({ headers: http('application/x-pkcs7-mime; name=smime.p7m'), body })],
      ['in capitals, with quotes', (body) => ({ headers: http('APPLICATION/PKCS7-MIME; SMIME-TYPE="enveloped-data"; NAME="SMIME.P7M"'), body })],
      ['no parameters at all', (body) => ({ headers: http('application/pkcs7-mime'), body })],
      ['just octets', (body) => ({ headers: http('application/octet-stream'), body })],
      ['the type of something else', (body) => ({ headers: http('application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z'), body })],
      ['Base64 in long lines', (body) => ({ headers: http('application/pkcs7-mime; smime-type=enveloped-data', ['Content-Transfer-Encoding', 'Base64']), body: Buffer.from(body.toString('base64').replaceAll(/.{1000}/g, '$&\n')) })],
      ['octets after the end', (body) => ({ headers: http('application/pkcs7-mime; smime-type=enveloped-data'), body: Buffer.concat([body, Buffer.from('\r\n\r\n')]) })],
    ])('%s', async (_, made) => {
      const inner = Buffer.concat([Buffer.from(`Content-Type: ${signedType()}\r\n\r\n`), multipart([ENTITY, signature(P7S, der(ENTITY))])])
      const { headers, body } = made(encrypt(inner, '-outform', 'DER'))
      await isWhole(headers, body, { layers: ['encrypted', 'signed'], mic: ENTITY })
    })

    it.each([
      ['AES-128', ['-aes128']],
      ['AES-192', ['-aes192']],
      ['AES-256-GCM, as AuthEnvelopedData', ['-aes-256-gcm']],
      ['BER', ['-aes256', '-stream']],
      ['by key identifier', ['-aes256', '-keyid']],
      ['for others too', ['-aes256', '-recip', 'other.pem']],
      ['OAEP', ['-aes256', '-recip', 'us.pem', '-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256']],
    ])('%s, as openssl writes mails', async (_, args) => {
      const mail = sign(ENTITY, '-binary', '-crlfeol')
      const to = args.includes('us.pem') ? [] : ['us.pem']
      const { headers, body } = split(run(mail, 'cms', '-encrypt', '-binary', '-outform', 'SMIME', ...args, ...to))
      await isWhole(headers, body, { layers: ['encrypted', 'signed'], mic: ENTITY })
    })

    it('encrypted and then nothing: a bare payload, a head with LF, an empty head', async () => {
      for (const [inner, name] of [[CONTENT, '1@them'], [Buffer.concat([Buffer.from('Content-Type: application/edifact; name="orders.edi"\n\n'), CONTENT]), 'orders.edi'], [Buffer.concat([Buffer.from('\r\n'), CONTENT]), '1@them']] as const) await isWhole(http('application/pkcs7-mime; smime-type=enveloped-data'), encrypt(inner, '-outform', 'DER'), { layers: ['encrypted'], name })
    })
  })

  describe('receipts', () => {
    const MIC = createHash('sha256').update(ENTITY).digest('base64')
    const DNT = 'Content-Type: message/disposition-notification'
    const FIELDS = `Reporting-UA: Product\r\nOriginal-Recipient: rfc822; US\r\nFinal-Recipient: rfc822; US\r\nOriginal-Message-ID: <1@us>\r\nDisposition: automatic-action/MDN-sent-automatically; processed\r\nReceived-Content-MIC: ${MIC}, sha-256\r\n`
    const TEXT = 'Content-Type: text/plain\r\n\r\nThank you.'
    const report = (...parts: (string | Buffer)[]): Buffer => Buffer.concat([Buffer.from('Content-Type: multipart/report; report-type=disposition-notification; boundary="r"\r\n\r\n'), multipart(parts, { boundary: 'r' })])
    const fields = (change: (text: string) => string): Buffer => report(TEXT, `${DNT}\r\n\r\n${change(FIELDS)}`)
    const expectation = { messageId: '<1@us>', as2From: 'US', as2To: 'THEM', signedReceipt: true, mics: [{ algorithm: 'sha256', over: 'signed-entity', form: 'raw', value: MIC }] } as const

    it.each<[string, () => Buffer]>([
      ['usual', () => fields((text) => text)],
      ['names in small letters, no blanks', () => fields((text) => text.toLowerCase().replaceAll(/: /g, ':').replace(MIC.toLowerCase(), MIC).replace('; processed', ';processed').replace(', sha-256', ',sha256'))],
      ['MIC in capitals, wrapped, with blanks', () => fields((text) => text.replace(`${MIC}, sha-256`, `\r\n ${MIC.slice(0, 30)}\r\n\t${MIC.slice(30)} , SHA256`))],
      ['rsa-sha256, sha_256', () => fields((text) => text.replace('sha-256', 'rsa-sha256'))],
      ['a number without brackets, a recipient in quotes, blanks at the ends', () => fields((text) => text.replace('<1@us>', '1@us  ').replace('Final-Recipient: rfc822; US', 'Final-Recipient: rfc822;"US" ').replace('processed', 'processed  '))],
      ['no original recipient, none of its type (TIBCO, SEEBURGER)', () => fields((text) => text.replace('Original-Recipient: rfc822; US\r\n', '').replace('rfc822; US', 'US'))],
      ['bare line feeds in the fields', () => fields((text) => text.replaceAll('\r\n', '\n'))],
      ['an empty line before the fields', () => fields((text) => `\r\n${text}`)],
      ['the headers of the message as a third part', () => report(TEXT, `${DNT}\r\n\r\n${FIELDS}`, 'Content-Type: text/rfc822-headers\r\n\r\nAS2-From: US\r\nMessage-ID: <1@us>\r\n')],
      ['the fields in Base64', () => report(TEXT, `${DNT}\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(FIELDS).toString('base64')}`)],
      ['a text part without head, or none', () => report('\r\nThank you.', `${DNT}; charset=us-ascii\r\n\r\n${FIELDS}`)],
      ['the fields alone', () => Buffer.from(`${DNT}\r\n\r\n${FIELDS}`)],
    ])('%s', async (name, make) => {
      const entity = make()
      const reading = await openMdn([['AS2-From', 'THEM'], ['AS2-To', 'US'], ['Content-Type', signedType()]], [multipart([entity, signature(`${P7S}\r\nContent-Transfer-Encoding: base64`, Buffer.from(der(entity).toString('base64').replaceAll(/.{64}/g, '$&\r\n')))])], { trusted: [{ certificate: them.certificate }] })
      expect(reading.kind === 'mdn' ? reading.signature.state : reading.detail, name).toBe('valid')
      const verdict = judgeMdn(reading, expectation)
      expect(verdict.code, `${name}: ${verdict.reasons.join(' ')}`).toBe('delivered')
    })

    it.each([
      ['processed/Error: decryption-failed', 'negative'],
      ['processed/error:authentication-failed', 'negative'],
      ['failed/Failure: unsupported MIC-algorithms', 'negative'],
      ['processed/warning: duplicate-document', 'delivered'],
      ['processed/Failure: sender-equals-receiver', 'negative'],
      ['processed; error', 'unparsable'],
    ])('that say %s are %s', async (said, code) => {
      const entity = fields((text) => text.replace('processed', said))
      const reading = await openMdn([['AS2-From', 'THEM'], ['AS2-To', 'US'], ['Content-Type', signedType()]], [multipart([entity, signature(P7S, der(entity))])], { trusted: [{ certificate: them.certificate }] })
      expect(judgeMdn(reading, expectation).code).toBe(code)
    })
  })
})
