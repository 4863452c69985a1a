/**
 * A signature over the canonical form holds whatever line ends a stranger writes on the way. None of them may change what is read:
 * where the head ends, or where one part of a multipart ends and the next begins.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { memorySink } from '../../../../../e2e/fixtures/memory-sink.ts'
import { candidatesOf, collect, createDetachedSignature, findDigest } from '../../../crypto/cms/index.ts'
import { generateSelfSigned } from '../../../crypto/x509/index.ts'
import { createLoneCrWatch } from './digest-tap.ts'
import { openMessage, type OpenOutcome, type OpenPolicy } from './index.ts'

let partner: Awaited<ReturnType<typeof generateSelfSigned>>
beforeAll(async () => {
  partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
})

const PLAIN = 'Content-Type: application/edifact\r\nContent-Transfer-Encoding: 8bit\r\nContent-Disposition: attachment; filename="a.edi"\r\n\r\nUNB+UNOA:1\'\r\nUNH+1\'\r\n'
const RELATED = [
  'Content-Type: multipart/related; boundary=in; type="application/edifact"', '', '--in',
  'Content-Type: application/edifact', 'Content-Disposition: attachment; filename="a.edi"', '', "UNB+UNOA:1'", '--in',
  'Content-Type: text/plain', 'Content-Disposition: attachment; filename="b.txt"', '', 'a note', '--in--', '',
].join('\r\n')

/** Signed in its canonical form, as OpenAS2 does; what travels is `sent`. */
async function open(signed: string, sent: string, more: Partial<OpenPolicy> = {}): Promise<OpenOutcome> {
  const digest = findDigest(candidatesOf(Buffer.from(signed, 'latin1'), ['sha256']), { algorithm: 'sha256', form: 'canonical' })!
  const p7s = Buffer.from(createDetachedSignature({ signer: partner, digestAlgorithm: 'sha256', digest })).toString('base64')
  const body = `--bb\r\n${sent}\r\n--bb\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n${p7s}\r\n--bb--\r\n`
  const headers = [['AS2-From', 'partner'], ['AS2-To', 'us'], ['Message-ID', '<a@b>'], ['Content-Type', 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=bb']] as const
  return await openMessage(headers, [Buffer.from(body, 'latin1')], { decryptWith: [], trusted: [{ certificate: partner.certificate }], requireSignature: true, requireEncryption: false, ...more }, memorySink())
}

const HEAD_ENDS = '"a.edi"\r\n\r\n'

describe('other line ends than were signed', () => {
  it.each([
    ['the head ends without an empty line', PLAIN.replace(HEAD_ENDS, '"a.edi"\r\r\n')],
    ['the head ends in two lone CR', PLAIN.replace(HEAD_ENDS, '"a.edi"\r\r')],
    ['all lines end in a lone CR', PLAIN.replaceAll('\r\n', '\r')],
    ['one field is hidden in another', PLAIN.replace('8bit\r\n', '8bit\r')],
  ])('never turn headers into content: %s', async (_, sent) => {
    for (const convertedLineEnds of [false, true]) {
      expect(await open(PLAIN, sent, { convertedLineEnds })).toMatchObject({ ok: false, reason: 'content-changed', senderAuthenticated: false })
    }
  })

  it.each([
    ['between two parts', RELATED.replace("UNB+UNOA:1'\r\n--in\r\n", "UNB+UNOA:1'\r--in\r\n")],
    ['behind the boundary', RELATED.replace("UNB+UNOA:1'\r\n--in\r\n", "UNB+UNOA:1'\r\n--in\r")],
    ['at the end of a part’s head', RELATED.replace('"b.txt"\r\n\r\n', '"b.txt"\r\r\n')],
  ])('never make one file of two: %s', async (_, sent) => {
    for (const convertedLineEnds of [false, true]) {
      expect(await open(RELATED, sent, { convertedLineEnds })).toMatchObject({ ok: false, senderAuthenticated: false })
    }
  })

  it('are taken where they change nothing: in the content, and in heads of a partner who is known for it', async () => {
    for (const [signed, sent] of [[PLAIN, PLAIN.replace("UNB+UNOA:1'\r\n", "UNB+UNOA:1'\n")], [RELATED, RELATED.replace('a note\r\n', 'a note\n')]] as const) expect(await open(signed, sent)).toMatchObject({ ok: true })
    expect(await open(PLAIN, PLAIN.replaceAll('\r\n', '\n'), { convertedLineEnds: true })).toMatchObject({ ok: true })
  })
})

it('a lone CR is found wherever the chunks are cut', () => {
  const found = (text: string, size: number): boolean => {
    const watch = createLoneCrWatch()
    for (let at = 0; at < text.length; at += size) watch.see(Buffer.from(text.slice(at, at + size)))
    return watch.found()
  }
  for (const size of [1, 2, 3, 100]) {
    expect(['a\r\nb\r\n', '\n\n', ''].map((text) => found(text, size))).toEqual([false, false, false])
    expect(['a\rb', '\r\r\n', 'a\r\nb\r', '\ra'].map((text) => found(text, size))).toEqual([true, true, true, true])
  }
})

it('what was signed as it is counts as it is, lone CR or not', async () => {
  const digestOf = async (text: string): Promise<OpenOutcome> => {
    const digest = findDigest(candidatesOf(Buffer.from(text, 'latin1'), ['sha256']), { algorithm: 'sha256', form: 'raw' })!
    const p7s = await collect([Buffer.from(createDetachedSignature({ signer: partner, digestAlgorithm: 'sha256', digest }))], 65_536)
    const body = Buffer.concat([Buffer.from(`--bb\r\n${text}\r\n--bb\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n\r\n`, 'latin1'), p7s, Buffer.from('\r\n--bb--\r\n')])
    const headers = [['AS2-From', 'partner'], ['AS2-To', 'us'], ['Message-ID', '<a@b>'], ['Content-Type', 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=bb']] as const
    return await openMessage(headers, [body], { decryptWith: [], trusted: [{ certificate: partner.certificate }], requireSignature: true, requireEncryption: false }, memorySink())
  }
  for (const text of [PLAIN.replace("UNH+1'\r\n", "UNH+1'\r"), RELATED.replace('a note', 'a\rnote')]) expect(await digestOf(text)).toMatchObject({ ok: true })
})
