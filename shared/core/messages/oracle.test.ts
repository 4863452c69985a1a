/**
 * What somebody learns who has the ciphertext of others and posts changes of it to our receiver (as2 1.8): Bleichenbacher's and Vaudenay's
 * questions, and whether the plaintext looks like MIME. Over HTTP, with everything that a real message passes: one answer, the same work.
 */
import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import http from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { algorithm, envelope, recipient, wrapFor } from '../crypto/cms/crafted.ts'
import { OID } from '../crypto/asn1/oids.ts'
import { derOctetString } from '../crypto/asn1/der-writer.ts'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { buildMessage, type HeaderPair } from '../protocols/as2/message/index.ts'
import { as2Partner, context, testStation, type Identity, type TestStation } from './conformance/station.ts'

/** Counts what costs time: flushes and files, and what private keys do. Before the modules take the functions. */
const work = vi.hoisted(() => {
  let counts: Record<string, number> = {}
  let flushing = true
  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module')
  const count = (module: object, names: readonly string[]): void => {
    const functions = module as Record<string, (...args: unknown[]) => unknown>
    for (const name of names) {
      const real = functions[name]!
      functions[name] = (...args) => {
        counts[name] = (counts[name] ?? 0) + 1
        if (name === 'fsync' && !flushing) return queueMicrotask(args.at(-1) as () => void)
        return real(...args)
      }
    }
  }
  count(process.getBuiltinModule('node:fs'), ['fsync', 'renameSync', 'openSync', 'writeSync'])
  count(process.getBuiltinModule('node:crypto'), ['privateDecrypt', 'sign'])
  syncBuiltinESMExports()
  return {
    /** Since it was asked last. */
    take(): Record<string, number> {
      const since = counts
      counts = {}
      return since
    },
    stopFlushing(): void {
      flushing = false
    },
  }
})
const COUNTED = ['fsync', 'renameSync', 'openSync', 'writeSync', 'privateDecrypt', 'sign']

const BYTES = 4000
const key = randomBytes(32)
const iv = randomBytes(16)

describe('the receiver as an oracle', () => {
  let us: TestStation
  let url: string
  let partner: Identity
  let stranger: Identity
  let attacks: Map<string, Uint8Array>
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

  const cbc = (plain: Uint8Array, padding = true): Buffer => {
    const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(padding)
    return Buffer.concat([cipher.update(plain), cipher.final()])
  }
  const sealed = (ciphertext: Uint8Array, wrapped = wrapFor(us.identity.certificate, key)): Uint8Array =>
    envelope({ recipients: [recipient(us.identity.certificate, wrapped)], cipher: algorithm(OID.aes256Cbc, derOctetString(iv)), ciphertext })
  const rsa = (block: Uint8Array): Uint8Array => publicEncrypt({ key: us.identity.certificate.publicKey(), padding: constants.RSA_NO_PADDING }, block)
  const block = (type: number, secret: Uint8Array): Uint8Array => Buffer.concat([Buffer.from([0, type]), Buffer.alloc(253 - secret.length, 0x55), Buffer.from([0]), secret])
  /** What is inside an encrypted message: a signed entity with head. */
  const signed = async (signer: Identity): Promise<Buffer> => {
    const built = buildMessage({ as2From: 'PARTNER', as2To: 'US', payloads: [{ source: [randomBytes(BYTES)], contentType: 'application/edi-x12', fileName: 'orders.edi' }], sign: { signer } })
    const chunks: Uint8Array[] = []
    for await (const chunk of built.body) chunks.push(chunk)
    const type = built.headers.find(([name]) => name === 'Content-Type')?.[1] ?? ''
    return Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n\r\n`), ...chunks])
  }
  const flipped = (bytes: Uint8Array, at: number): Buffer => Buffer.from(bytes.map((octet, index) => (index === (at < 0 ? bytes.length + at : at) ? octet ^ 0x55 : octet)))

  const post = async (body: Uint8Array): Promise<{ status: number; headers: HeaderPair[]; body: Buffer }> =>
    await new Promise((resolve, reject) => {
      const headers = {
        'AS2-From': 'PARTNER',
        'AS2-To': 'US',
        'AS2-Version': '1.2',
        'Message-ID': `<${randomBytes(12).toString('hex')}@attack>`,
        'Content-Type': 'application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m',
        'Disposition-Notification-To': 'anybody',
        'Disposition-Notification-Options': 'signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha256',
        'Content-Length': body.length,
      }
      const request = http.request(url, { method: 'POST', agent, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const raw = response.rawHeaders
          resolve({ status: response.statusCode ?? 0, headers: raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : [])), body: Buffer.concat(chunks) })
        })
      })
      request.on('error', reject)
      request.end(body)
    })

  beforeAll(async () => {
    us = await testStation('US')
    partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
    stranger = await generateSelfSigned({ subject: { commonName: 'stranger' }, key: 'rsa-2048' })
    url = await us.listen()
    us.partner(as2Partner('partner', 'PARTNER', 'http://127.0.0.1:1/'))
    us.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'partner', connection: 'as2' })
    const genuine = await signed(partner)
    const good = cbc(genuine)
    const cut = genuine.subarray(0, 3000 - (3000 % 16) - 1)
    const filler = (head: string): Buffer => Buffer.concat([Buffer.from(head), randomBytes(genuine.length - head.length)])
    attacks = new Map<string, Uint8Array>([
      ['the wrapped key has another block type', sealed(good, rsa(block(1, key)))],
      ['the wrapped key is random', sealed(good, rsa(Buffer.concat([Buffer.from([0]), randomBytes(255)])))],
      ['the wrapped key is too short', sealed(good, rsa(block(2, key.subarray(0, 16))))],
      ['another key is wrapped', sealed(good, rsa(block(2, randomBytes(32))))],
      ['the padding is wrong', sealed(flipped(good, -17))],
      ['the content is changed', sealed(flipped(good, 1600))],
      ['cut, the padding is wrong', sealed(cbc(Buffer.concat([cut, Buffer.from([0])]), false))],
      ['cut, the padding is right', sealed(cbc(Buffer.concat([cut, Buffer.from([1])]), false))],
      ['no MIME inside', sealed(cbc(randomBytes(genuine.length)))],
      ['no MIME inside, the padding is wrong', sealed(cbc(Buffer.concat([randomBytes(genuine.length - (genuine.length % 16) - 1), Buffer.from([0])]), false))],
      ['a head, no signature', sealed(cbc(filler('Content-Type: text/plain\r\n\r\n')))],
      ['a head, no signature, the padding is wrong', sealed(flipped(cbc(filler('Content-Type: text/plain\r\n\r\n')), -17))],
      ['signed by a stranger', sealed(cbc(await signed(stranger)))],
      ['a multipart without boundary', sealed(cbc(filler('Content-Type: multipart/signed; protocol="application/pkcs7-signature"\r\n\r\n')))],
      ['a multipart whose boundary does not appear', sealed(cbc(filler('Content-Type: multipart/signed; boundary=x\r\n\r\n')))],
      ['damaged compression', sealed(cbc(filler('Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n')))],
      ['another layer of encryption', sealed(cbc(Buffer.concat([Buffer.from('Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n'), sealed(good)])))],
    ])
  })
  afterAll(async () => {
    agent.destroy()
    await us?.close()
  })

  it('gives one answer to all of them, but for numbers, dates and what depends on them', async () => {
    const answers = new Map<string, string>()
    for (const [name, body] of attacks) {
      const { status, headers, body: receipt } = await post(body)
      answers.set(name, withoutNumbers([`HTTP ${status}`, ...headers.map((header) => header.join(': ')), '', receipt.toString('latin1')].join('\r\n')))
    }
    const [first = ''] = answers.values()
    expect(first).toContain('processed/error: decryption-failed')
    expect(first).toMatch(/^HTTP 200\r\n/)
    for (const [name, answer] of answers) expect(answer, name).toBe(first)
  })

  it('leaves nothing of what was inside, and tells the operator what the sender does not learn', async () => {
    expect(us.received()).toEqual([])
    const { entries } = await us.handlers().as2.inbound({ limit: 100, state: ['refused'] }, context)
    expect(new Set(entries.map(({ reason }) => reason))).toEqual(new Set(['undecryptable', 'content-changed', 'signature-unreadable', 'signature-required', 'signer-unknown', 'malformed', 'decompression', 'layers-not-permitted']))
    expect(new Set(entries.map(({ disposition }) => disposition)).size).toBe(1)
  })

  it('does the same for all of them: as many flushes, files, uses of our private keys', async () => {
    const seen = new Map<string, Record<string, number>[]>([...attacks.keys()].map((name) => [name, []]))
    for (let turn = 0; turn < 5; turn++) {
      for (const [name, body] of attacks) {
        work.take()
        await post(body)
        seen.get(name)?.push(work.take())
      }
    }
    // What else the program does in the background falls on one turn or the other.
    const usual = (name: string): Record<string, number> => Object.fromEntries(COUNTED.map((what) => [what, median(seen.get(name)?.map((counts) => counts[what] ?? 0) ?? [])]))
    const [first = ''] = attacks.keys()
    expect(usual(first)).toMatchObject({ privateDecrypt: 1, sign: 1, renameSync: 0 })
    for (const name of attacks.keys()) expect(usual(name), name).toEqual(usual(first))
  })

  it('takes similar time for all of them', async () => {
    const compared = ['the wrapped key has another block type', 'another key is wrapped', 'the padding is wrong', 'cut, the padding is wrong', 'cut, the padding is right', 'no MIME inside']
    const quickest = new Map<string, number>()
    const ratio = (): number => Math.max(...quickest.values()) / Math.min(...quickest.values())
    // In turns, in time of the processor, and by the quickest of each: it comes ever nearer to what it really takes while the machine does
    // other things too. The disk's moods are louder than all of it; how often that is asked was counted.
    work.stopFlushing()
    for (let turn = 0; turn < 64 && (turn < 8 || ratio() > 1.3); turn++) {
      for (const name of compared) {
        const before = process.cpuUsage()
        await post(attacks.get(name) ?? new Uint8Array())
        const { user, system } = process.cpuUsage(before)
        quickest.set(name, Math.min(quickest.get(name) ?? Infinity, user + system))
      }
    }
    expect(ratio()).toBeLessThan(2)
  }, 60_000)
})

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0
}

/** Random and dated parts as so many dots: their lengths stay. */
function withoutNumbers(text: string): string {
  const dots = (found: string): string => '.'.repeat(found.length)
  const boundaries = [...text.matchAll(/boundary="([^"]+)"/g)].map(([, boundary = '']) => boundary)
  const bare = boundaries.reduce((left, boundary) => left.replaceAll(boundary, dots(boundary)), text)
  return bare
    .replaceAll(/<[^<>\s]+@[^<>\s]+>/g, dots)
    .replaceAll(/^Date: .*$/gim, dots)
    .replaceAll(/^[A-Za-z0-9+/=]{40,76}$/gm, dots)
    .replaceAll(/^[A-Za-z0-9+/]+={0,2}(?=\r\n(?:\r\n)?--)/gm, dots)
}
