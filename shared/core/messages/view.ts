/** Messages and receipts as people look at them, and their raw bytes as files. */
import { createHash } from 'node:crypto'
import type { InboundEntry, MessageView, ReceiptView } from '../../contract/as2.ts'
import type { Ledger } from '../deliveries/ledger.ts'
import { AppError } from '../kernel/errors.ts'
import { underFreeName, writeNewFile, type NewFile } from '../kernel/new-file.ts'
import { safeFileName, type HeaderPair } from '../protocols/as2/message/index.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import { rawMessage, rawReceipt } from './raw.ts'
import type { BuiltRecord, InboundRecord, MessageRepository, ReceiptRecord, StoredMdn } from './repository.ts'

const MAX_TEXT = 64 * 1024

/** One of them. */
export interface MessageRef {
  readonly delivery?: string | undefined
  readonly inbound?: string | undefined
}

export type MessageViews = ReturnType<typeof createMessageViews>

export function createMessageViews({ messages, payloads, ledger, exports }: { readonly messages: MessageRepository; readonly payloads: PayloadStore; readonly ledger: Pick<Ledger, 'leadOf' | 'companionsOf'>; readonly exports: string }) {
  const found = (ref: MessageRef): { readonly sent: BuiltRecord } | { readonly came: InboundRecord } | null => {
    if (ref.inbound !== undefined) {
      const came = messages.inbound(ref.inbound)
      return came === null ? null : { came }
    }
    if (ref.delivery === undefined) throw new AppError('input.invalid', 'name a delivery or an entry of what came in')
    const sent = messages.newest(ledger.leadOf(ref.delivery))
    if (sent !== null) return { sent }
    const came = messages.inboundOfDelivery(ref.delivery)
    return came === null ? null : { came }
  }

  const contentOf = (ref: MessageRef, what: 'message' | 'mdn', signal: AbortSignal): AsyncIterable<Uint8Array> => {
    const message = found(ref)
    if (message === null) throw new AppError('input.not_found', 'there is no AS2 message of that delivery')
    if (what === 'message') {
      const { headers, bodySha256, bodyBytes } = 'sent' in message ? message.sent : message.came
      return rawMessage({ headers, bodyBytes, ours: 'sent' in message }, payloads.read(bodySha256, { offset: 0, signal }))
    }
    const mdn = 'sent' in message ? messages.receipts(message.sent.id)[0] : message.came.mdn
    if (mdn === undefined || mdn === null) throw new AppError('input.not_found', 'there is no receipt yet')
    return rawReceipt(mdn)
  }

  return {
    message(ref: MessageRef): MessageView | null {
      const message = found(ref)
      if (message === null) return null
      return 'sent' in message ? sentView(message.sent, ledger.companionsOf(message.sent.delivery), messages.receipts(message.sent.id)) : inboundView(message.came)
    },

    inbound(query: Parameters<MessageRepository['listInbound']>[0]): { entries: InboundEntry[]; total: number } {
      const { entries, total } = messages.listInbound(query)
      return { entries: entries.map(entryView), total }
    },

    /** Rejects with `input.conflict` when there is a file of that name: nothing is overwritten. Without a path a free name in our own folder is taken. */
    async exportRaw(ref: MessageRef, what: 'message' | 'mdn', path: string | undefined, signal: AbortSignal): Promise<NewFile> {
      const write = async (file: string): Promise<NewFile> => await writeNewFile(file, contentOf(ref, what, signal), signal)
      return path === undefined ? await underFreeName(exports, safeFileName((ref.delivery ?? ref.inbound ?? 'message').slice(0, 60)), what === 'mdn' ? '.mdn' : '.as2', write) : await write(path)
    },
  }
}

function sentView(sent: BuiltRecord, together: readonly string[], receipts: readonly ReceiptRecord[]): MessageView {
  return {
    id: sent.id,
    direction: 'outbound',
    deliveries: [sent.delivery, ...together],
    partner: sent.partner,
    connection: sent.connection,
    messageId: sent.messageId,
    as2From: sent.as2From,
    as2To: sent.as2To,
    at: sent.builtAt,
    layers: [...sent.layers],
    facts: [...sent.facts],
    headers: fieldsOf(sent.headers),
    bodyBytes: sent.bodyBytes,
    bodySha256: sent.bodySha256,
    mics: [...sent.mics],
    receipts: receipts.map(({ receivedAt, mode, headers, body, sha256, verdict, facts }) => ({ at: receivedAt, mode, ...facts, reasons: [...facts.reasons], verdict, headers: fieldsOf(headers), text: textOf(body), sha256 })),
    refusal: null,
  }
}

function inboundView(came: InboundRecord): MessageView {
  const { mdn, reason } = came
  return {
    id: came.id,
    direction: 'inbound',
    deliveries: [...came.deliveries],
    partner: came.partner,
    connection: came.connection,
    messageId: came.messageId,
    as2From: came.as2From,
    as2To: came.as2To,
    at: came.receivedAt,
    layers: [...came.layers],
    facts: [...came.facts],
    headers: fieldsOf(came.headers),
    bodyBytes: came.bodyBytes,
    bodySha256: came.bodySha256,
    mics: came.mic === null ? [] : [came.mic],
    receipts: mdn === null ? [] : [ourReceipt(came, mdn)],
    refusal: reason === null ? null : { disposition: came.disposition ?? '', reason, detail: came.detail ?? '' },
  }
}

function ourReceipt(came: InboundRecord, mdn: StoredMdn): ReceiptView {
  const { mic, disposition } = came
  return {
    at: came.processedAt ?? came.receivedAt,
    mode: mdn.mode,
    messageId: mdn.messageId,
    disposition: disposition ?? '',
    signed: mdn.signed,
    signer: null,
    mic: mic === null ? null : `${mic.value}, ${mic.algorithm}`,
    verdict: mdn.mode === 'sync' ? 'sent' : (mdn.state ?? 'queued'),
    reasons: mdn.problem === null ? [] : [mdn.problem],
    headers: fieldsOf(mdn.headers),
    text: textOf(mdn.body),
    sha256: createHash('sha256').update(mdn.body).digest('hex'),
  }
}

function entryView(came: InboundRecord): InboundEntry {
  const { id, receivedAt, state, partner, as2From, as2To, messageId, bodyBytes, remote, disposition, reason, detail, deliveries } = came
  return { id, at: receivedAt, state, partner, as2From, as2To, messageId, bytes: bodyBytes, remote, disposition, reason, detail, deliveries: [...deliveries] }
}

function fieldsOf(headers: readonly HeaderPair[]): { name: string; value: string }[] {
  return headers.map(([name, value]) => ({ name, value }))
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, MAX_TEXT)).toString('utf8')
}
