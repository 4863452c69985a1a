/** Live against pyas2lib behind an HTTP server of its own: in both directions, with synchronous and asynchronous receipts. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../e2e/servers/peers.ts'
import { startPyas2Station, type Pyas2Station } from '../../../e2e/servers/pyas2lib.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import { generateSelfSigned, privateKeyPem } from '../crypto/x509/index.ts'
import { context, testStation, until, type TestStation } from './conformance/station.ts'

const peer = findPeer('pyas2lib')
const PYAS2_ID = 'pyas2lib peer'
const SECURED = { sign: true, encrypt: true, digest_alg: 'sha256', enc_alg: 'aes_256_cbc', mdn_mode: 'SYNC', mdn_digest_alg: 'sha256' }

/** How each of our identifiers exchanges: our connection's settings, and what pyas2lib does towards it. */
const WAYS: Readonly<Record<string, { readonly connection: { readonly inbound?: object; readonly [setting: string]: unknown }; readonly theirs: object }>> = {
  USSYNC: { connection: {}, theirs: SECURED },
  USASYNC: { connection: { receipt: { mode: 'async' } }, theirs: { ...SECURED, mdn_mode: 'ASYNC' } },
  USZIP: { connection: { message: { compress: 'before-signing', digest: 'sha512', cipher: 'aes-128-cbc' } }, theirs: { ...SECURED, compress: true, digest_alg: 'sha512', mdn_digest_alg: 'sha512', enc_alg: 'aes_128_cbc' } },
  USZIPAFTER: { connection: { message: { compress: 'after-signing', digest: 'sha384' } }, theirs: { ...SECURED, digest_alg: 'sha384', mdn_digest_alg: 'sha384' } },
  USUNSIGNEDMDN: { connection: { receipt: { request: 'unsigned' } }, theirs: { ...SECURED, mdn_digest_alg: null } },
  USSIGNEDONLY: { connection: { message: { encrypt: false }, inbound: { requireEncrypted: false } }, theirs: { ...SECURED, encrypt: false } },
  USCHUNKED: { connection: { http: { chunked: true }, quirks: { base64Signature: false } }, theirs: SECURED },
}
const IDS = Object.keys(WAYS)

const CONTENTS: readonly (readonly [name: string, content: Buffer])[] = [
  ['crlf.edi', Buffer.from("UNB+UNOC:3+A+B'\r\nUNZ+1'\r\n")],
  ['lf.edi', Buffer.from("UNB+UNOC:3+A+B'\nUNZ+1'\n")],
  ['cr.edi', Buffer.from("UNB+UNOC:3+A+B'\rUNZ+1'\r")],
  ['binary.bin', randomBytes(100_000)],
  ['empty.bin', Buffer.alloc(0)],
]

describe.skipIf(peer.absent)(`AS2 with pyas2lib over HTTP${peer.note}`, () => {
  let us: TestStation
  let pyas2: Pyas2Station
  let url: string

  beforeAll(async () => {
    us = await testStation('US')
    url = await us.listen()
    const theirs = await generateSelfSigned({ subject: { commonName: PYAS2_ID }, key: 'rsa-2048' })
    pyas2 = await startPyas2Station(peer.path ?? '', {
      us: { id: PYAS2_ID, key: privateKeyPem(theirs.privateKey), certificate: theirs.certificate.pem() },
      certificate: us.identity.certificate.pem(),
      ways: Object.fromEntries(IDS.map((id) => [id, WAYS[id]?.theirs ?? {}])),
    })
    us.handlers().station.apply({ document: { name: 'US', as2: { id: 'US', url } } }, context)
    for (const ourId of IDS) {
      const id = ourId.toLowerCase()
      us.partner({ id, name: id, connections: [{ id: 'as2', protocol: 'as2', as2Id: PYAS2_ID, ourAs2Id: ourId, url: pyas2.url, ...WAYS[ourId]?.connection, inbound: { receiptUrl: pyas2.url, ...WAYS[ourId]?.connection.inbound } }] })
      us.bind({ certificate: theirs.certificate }, ['verify', 'encrypt'], { partner: id, connection: 'as2' })
    }
  })
  afterAll(async () => {
    pyas2?.stop()
    await us?.close()
  })

  it.each(IDS)('%s: it takes what we send, in every kind of content, and its receipt proves it', async (ourId) => {
    for (const [name, content] of CONTENTS) {
      const fileName = `${ourId}-${name}`
      const sent = await us.send(ourId.toLowerCase(), us.file(fileName, content))
      const delivery = await until(async () => {
        const shown = (await us.handlers().deliveries.show({ id: sent.id }, context)).delivery as Delivery
        return shown.state === 'awaiting-receipt' ? null : shown
      }, `the receipt for ${fileName}`)
      expect(delivery, JSON.stringify(delivery.error)).toMatchObject({ state: 'delivered', receipt: { kind: 'mdn', micMatches: true, signed: ourId !== 'USUNSIGNEDMDN', mode: ourId === 'USASYNC' ? 'async' : 'sync' } })
      const there = (await pyas2.received()).find((one) => one.fileName === fileName)
      expect(there).toMatchObject({ way: ourId, status: 'processed', error: null, signed: true, encrypted: ourId !== 'USSIGNEDONLY', compressed: ourId.startsWith('USZIP') })
      expect(Buffer.from(there?.content ?? '', 'base64').equals(content), `${name} as it stands there`).toBe(true)
    }
  })

  it.each(IDS)('%s: we take what it sends, and it is content with our receipt', async (ourId) => {
    for (const [name, content] of CONTENTS) {
      const fileName = `from-${ourId}-${name}`
      const answer = await pyas2.send({ way: ourId, url, name: fileName, content: content.toString('base64'), contentType: name.endsWith('.bin') ? 'application/octet-stream' : 'application/edifact' })
      const receipt = await until(async () => {
        const known = answer.status === null ? await pyas2.receipt(answer.messageId) : answer
        return known.status === null ? null : known
      }, `our receipt for ${fileName}`)
      expect({ http: answer.http, status: receipt.status, detail: receipt.detail }).toEqual({ http: 200, status: 'processed', detail: null })
      const inbound = await until(() => us.received().find((delivery) => delivery.fileName === fileName && delivery.state === 'delivered'), `${fileName} to be released`)
      const path = inbound.receipt?.kind === 'received' ? (inbound.receipt.releasedTo ?? '') : ''
      // pyas2lib turns lone line ends of text into CRLF before it does anything else.
      const converted = name.endsWith('.bin') ? content : Buffer.from(content.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1')
      expect([content, converted].some((expected) => readFileSync(path).equals(expected)), `${name} as it stands here`).toBe(true)
    }
    expect(await pyas2.problems()).toEqual([])
  })
})
