/** What the other side signed: the receipt, and the message itself. With the certificates in the bundle, and with nothing else. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { EvidenceCheck } from '../../contract/evidence.ts'
import type { Allowances, TrustedSigner } from '../crypto/cms/index.ts'
import { readCertificate, type Certificate } from '../crypto/x509/index.ts'
import { judgeMdn, openMdn, openMessage, parseHeaderBlock, type HeaderPair } from '../protocols/as2/message/index.ts'
import type { Bundle } from './bundle.ts'
import type { Facts } from './facts.ts'
import { CertificateEntry, MessageFacts, NAMES, readJson } from './form.ts'

const MOST_HEAD_BYTES = 64 * 1024
/** What was permitted at the time is shown by the delivery; here it only has to be genuine. */
const ALLOW: Allowances = { sha1: true, md5: true, tripleDes: true, minRsaBits: 1024 }

async function messageFacts(bundle: Bundle): Promise<MessageFacts | null> {
  return MessageFacts.safeParse(readJson(await bundle.bytes(NAMES.messageFacts))).data ?? null
}

async function signersOf(owner: CertificateEntry['owner'], bundle: Bundle): Promise<TrustedSigner[]> {
  const entries = z.array(CertificateEntry).max(1000).safeParse(readJson(await bundle.bytes(NAMES.certificates))).data ?? []
  const signers: TrustedSigner[] = []
  for (const { file, fingerprint } of entries.filter((entry) => entry.owner === owner)) {
    const pem = await bundle.bytes(file)
    const certificate = pem === null ? null : certificateOf(pem)
    if (certificate !== null) signers.push({ certificate, id: fingerprint })
  }
  return signers
}

function certificateOf(pem: Buffer): Certificate | null {
  try {
    return readCertificate(pem.toString('latin1'))
  } catch {
    // Without it, what it signed counts as signed by nobody.
    return null
  }
}

export async function receiptCheck({ detail }: Facts, bundle: Bundle): Promise<EvidenceCheck> {
  const answer = (ok: boolean | null, text: string): EvidenceCheck => ({ check: 'receipt', ok, detail: text })
  const facts = await messageFacts(bundle)
  const raw = await bundle.bytes(NAMES.receipt)
  if (facts === null || raw === null) return answer(null, 'There is no receipt that somebody signed.')
  const outbound = facts.direction === 'outbound'
  const { fields, body } = await splitHead(bundle.stream(NAMES.receipt))
  const reading = await openMdn(fields, body, { trusted: await signersOf(outbound ? 'partner' : 'station', bundle), allow: ALLOW, at: new Date(detail.delivery.receipt?.at ?? detail.delivery.createdAt) })
  // A receipt goes the other way: it is from the one to whom the message went.
  const verdict = judgeMdn(reading, { messageId: facts.messageId, as2From: facts.as2From, as2To: facts.as2To, signedReceipt: facts.receiptSigned, mics: facts.mics })
  const whose = outbound ? 'The partner' : 'Our side'
  if (verdict.delivered) return answer(facts.receiptSigned ? true : null, facts.receiptSigned ? `${whose} signed a receipt for exactly this message; it names the digest of its content.` : `${whose} gave a receipt for this message; it is not signed, so it proves little.`)
  if (verdict.code === 'negative' && reading.kind === 'mdn') return answer(reading.signature.state === 'valid' ? true : null, `${whose} refused the message: ${reading.disposition.raw}.`)
  return answer(detail.delivery.state === 'delivered' && outbound ? false : null, `The receipt does not prove the delivery: ${[verdict.code, ...verdict.reasons].join('; ')}.`)
}

export async function messageCheck({ detail }: Facts, bundle: Bundle): Promise<EvidenceCheck> {
  const answer = (ok: boolean | null, text: string): EvidenceCheck => ({ check: 'message', ok, detail: text })
  const facts = await messageFacts(bundle)
  const isEncrypted = facts?.layers.some((layer) => layer.startsWith('encrypted')) ?? false
  const readable = isEncrypted ? NAMES.opened : NAMES.message
  if (facts === null || bundle.stream(readable) === null || bundle.stream(NAMES.message) === null) return answer(null, 'There is no AS2 message that can be read.')
  const envelope = (await splitHead(bundle.stream(NAMES.message))).fields
  const inner = await splitHead(bundle.stream(readable))
  const headers = isEncrypted ? [...envelope.filter(([name]) => !/^(content-|mime-version)/i.test(name)), ...inner.fields] : envelope
  const isSigned = facts.layers.some((layer) => layer.startsWith('signed'))
  const digests: string[] = []
  const outcome = await openMessage(headers, inner.body, { decryptWith: [], trusted: await signersOf(facts.direction === 'outbound' ? 'station' : 'partner', bundle), requireEncryption: false, requireSignature: isSigned, allow: ALLOW, at: new Date(detail.delivery.createdAt) }, {
    begin() {
      const digest = createHash('sha256')
      return {
        write: (piece) => void digest.update(piece),
        end: () => void digests.push(digest.digest('hex')),
      }
    },
  })
  if (!outcome.ok) return answer(false, `The message does not hold: ${outcome.reason}, ${outcome.detail}.`)
  const travelled = detail.delivery.wire?.sha256 ?? detail.delivery.sha256
  if (!digests.includes(travelled)) return answer(false, 'The message carries another file than the one of this delivery.')
  if (!facts.mics.some(({ algorithm, value }) => algorithm === outcome.mic.algorithm && value === outcome.mic.value)) return answer(false, 'The digest that the receipt may name is another one than that of the message.')
  const whose = facts.direction === 'outbound' ? 'our side' : 'the partner'
  return answer(true, `The message carries exactly this file${isSigned ? `, and ${whose} signed it` : ''}; its digest (MIC) is the one that was written down.`)
}

/** Header fields, and a body that begins behind the empty line. */
async function splitHead(source: AsyncIterable<Uint8Array> | null): Promise<{ readonly fields: readonly HeaderPair[]; readonly body: AsyncIterable<Uint8Array> }> {
  const pieces = (source ?? nothing())[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  for (;;) {
    const end = head.indexOf('\r\n\r\n')
    if (end !== -1) return { fields: parseHeaderBlock(head.subarray(0, end + 2)).fields, body: rest(head.subarray(end + 4), pieces) }
    const next = await pieces.next()
    if (next.done === true || head.length > MOST_HEAD_BYTES) return { fields: [], body: rest(head, pieces) }
    head = Buffer.concat([head, next.value])
  }
}

async function* rest(first: Uint8Array, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    if (first.length > 0) yield first
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value
  } finally {
    await pieces.return?.()
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {
  // Nothing is there.
}
