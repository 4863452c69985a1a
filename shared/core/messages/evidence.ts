/** What AS2 leaves behind of one delivery, for a stranger: the bytes that travelled, what our key opens of them, and the receipt. */
import { CmsError, decrypt } from '../crypto/cms/index.ts'
import { readCertificate, readPrivateKey } from '../crypto/x509/index.ts'
import type { Ledger } from '../deliveries/ledger.ts'
import { decodeBase64, headerValue, readTransferEncoding, type HeaderPair, type MicCandidate } from '../protocols/as2/message/index.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import { rawMessage, rawReceipt } from './raw.ts'
import type { MessageRepository } from './repository.ts'

/** A certificate of ours with its private half, in PEM. */
export interface OwnKey {
  readonly certificate: string
  readonly privateKey: string
}

export interface MessageEvidence {
  readonly facts: {
    readonly direction: 'outbound' | 'inbound'
    readonly messageId: string
    readonly as2From: string
    readonly as2To: string
    readonly layers: readonly string[]
    readonly receiptSigned: boolean
    readonly mics: readonly MicCandidate[]
    readonly together: readonly string[]
  }
  /** Headers and body as they travelled; null when the body is no longer kept. */
  readonly message: AsyncIterable<Uint8Array> | null
  /** The MIME entity inside the encryption, which our own key opens; null where nothing was encrypted or no key of ours fits. */
  readonly opened: AsyncIterable<Uint8Array> | null
  readonly receipt: AsyncIterable<Uint8Array> | null
}

interface Wrapped {
  readonly headers: readonly HeaderPair[]
  readonly bodySha256: string
}

export type EvidenceOfMessages = ReturnType<typeof createMessageEvidence>

export function createMessageEvidence({ messages, payloads, ledger }: { readonly messages: MessageRepository; readonly payloads: PayloadStore; readonly ledger: Pick<Ledger, 'leadOf' | 'companionsOf'> }) {
  /** The body without transfer coding. */
  const binary = ({ headers, bodySha256 }: Wrapped, signal: AbortSignal): AsyncIterable<Uint8Array> => {
    const body = payloads.read(bodySha256, { offset: 0, signal })
    return readTransferEncoding(headerValue(headers, 'content-transfer-encoding')) === 'base64' ? decodeBase64(body) : body
  }

  const opened = (message: Wrapped, keys: readonly OwnKey[], signal: AbortSignal): AsyncIterable<Uint8Array> =>
    decrypt(binary(message, signal), {
      keys: keys.map(({ certificate, privateKey }) => ({ certificate: readCertificate(certificate), privateKey: readPrivateKey(privateKey) })),
      // It is our own message, or one that was taken: what was permitted then is shown, not judged again.
      allow: { sha1: true, md5: true, tripleDes: true, minRsaBits: 1024 },
    }).content

  /** Reads it once to the end: a key that does not fit, or a body that is damaged, shows before anything is written. */
  const canOpen = async (message: Wrapped, keys: readonly OwnKey[], signal: AbortSignal): Promise<boolean> => {
    try {
      for await (const _ of opened(message, keys, signal)) signal.throwIfAborted()
      return true
    } catch (error) {
      if (error instanceof CmsError) return false
      throw error
    }
  }

  return {
    /** Null when the delivery did not travel by AS2. */
    async of(delivery: string, keys: readonly OwnKey[], signal: AbortSignal): Promise<MessageEvidence | null> {
      const lead = ledger.leadOf(delivery)
      const sent = messages.newest(lead)
      const came = sent === null ? messages.inboundOfDelivery(delivery) : null
      const record = sent ?? came
      if (record === null) return null
      const { headers, bodySha256, bodyBytes, messageId, as2From, as2To, layers } = record
      const isHere = await payloads.has(bodySha256)
      const mdn: { readonly headers: readonly HeaderPair[]; readonly body: Uint8Array } | null = sent === null ? (came?.mdn ?? null) : (messages.receipts(sent.id)[0] ?? null)
      const readable = isHere && layers.some((layer) => layer.startsWith('encrypted')) && (await canOpen(record, keys, signal))
      return {
        facts: {
          direction: sent === null ? 'inbound' : 'outbound',
          messageId,
          as2From,
          as2To,
          layers,
          receiptSigned: sent?.receiptSigned ?? came?.mdn?.signed ?? false,
          mics: sent === null ? (came?.mic == null ? [] : [came.mic]) : sent.mics,
          together: sent === null ? (came?.deliveries.filter((id) => id !== delivery) ?? []) : [sent.delivery, ...ledger.companionsOf(sent.delivery)].filter((id) => id !== delivery),
        },
        message: isHere ? rawMessage({ headers, bodyBytes, ours: sent !== null }, payloads.read(bodySha256, { offset: 0, signal })) : null,
        opened: readable ? opened(record, keys, signal) : null,
        receipt: mdn === null ? null : rawReceipt(mdn),
      }
    },
  }
}
