/** What a rehearsal needs of the AS2 domain: our side as it will stand, and the last real messages. Changes nothing. */
import type { Delivery } from '../../contract/deliveries.ts'
import { AppError } from '../kernel/errors.ts'
import type { Routes } from '../partners/routes.ts'
import { contentTypeOf } from '../protocols/as2/build-message.ts'
import type { HeaderPair } from '../protocols/as2/message/index.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { Materials } from '../trust/materials.ts'
import { createCounterpart, type OurSide } from './counterpart.ts'
import type { Identities } from './identities.ts'
import { createKeyrings } from './keyring.ts'
import { createOverlap, type OtherOfChange } from './overlap.ts'
import type { InboundRecord, MessageRepository } from './repository.ts'
import { createStandIns } from './stand-ins.ts'

/** Larger ones are not read for a rehearsal: it shows nothing more. */
const MOST_BYTES = 4 * 1024 * 1024
const PRACTICE = { name: 'rehearsal.edi', bytes: Buffer.from("UNA:+.? '\r\nUNB+UNOC:3+REHEARSAL+REHEARSAL+260101:0000+1'\r\nUNZ+0+1'\r\n"), contentType: 'application/edifact' } as const

/** Something real that is opened again. */
export interface Recorded {
  readonly at: string
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  /** File name or Message-ID, for a person. */
  readonly name: string
}

export type MessageRehearsal = ReturnType<typeof createMessageRehearsal>

export function createMessageRehearsal(deps: {
  readonly messages: MessageRepository
  readonly payloads: PayloadStore
  readonly routes: Pick<Routes, 'messages'>
  readonly identities: Identities
  readonly deliveryOf: (id: string) => Delivery | null
}) {
  const { messages, payloads, routes, identities, deliveryOf } = deps
  const standIns = createStandIns()

  const read = async (sha256: string): Promise<Buffer | null> => {
    if (!(await payloads.has(sha256))) return null
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of payloads.read(sha256, { offset: 0, signal: new AbortController().signal })) chunks.push(chunk)
      return Buffer.concat(chunks)
    } catch (error) {
      if (error instanceof AppError && error.code === 'delivery.payload_missing') return null
      throw error
    }
  }

  /** What was sent last, else a small practice file. */
  const contentFor = async (partner: string, connection: string): Promise<OurSide['content']> => {
    const sent = messages.lastSent(partner, connection)
    const delivery = sent === null ? null : deliveryOf(sent.delivery)
    if (delivery === null || delivery.size > MOST_BYTES) return PRACTICE
    const bytes = await read(delivery.sha256)
    return bytes === null ? PRACTICE : { name: delivery.remoteName, bytes, contentType: contentTypeOf(delivery.remoteName, bytes) }
  }

  const recorded = async (entry: InboundRecord): Promise<Recorded | null> => {
    if (entry.bodyBytes > MOST_BYTES) return null
    const body = await read(entry.bodySha256)
    const [first] = entry.deliveries
    return body === null ? null : { at: entry.receivedAt, headers: entry.headers, body, name: (first === undefined ? null : deliveryOf(first)?.fileName) ?? entry.messageId }
  }

  return {
    counterpart: createCounterpart({ standIns }),

    /** Rejects with `as2.not_agreed` or `input.not_found`. `materials`: what will be bound at that time; `other`: the change that is under way then. */
    async side(partner: string, connection: string, materials: Materials, at: number, other: OtherOfChange): Promise<OurSide> {
      const route = routes.messages(partner, connection, { receiving: true })
      const clock = { now: () => at, sleep: async () => await Promise.resolve() }
      return { route, identity: identities.of(route), keyring: createKeyrings({ materials, clock }).of(partner, connection, route.tolerated), overlap: createOverlap({ other, messages: { triedKeys: () => [] }, clock }), at, content: await contentFor(partner, connection) }
    },

    /** The last message of a partner in which a certificate (`sha256:…`) did something, as far as its bytes are still here. */
    async lastTaken(partner: string, connection: string, what: 'decryptedBy' | 'signedBy', fingerprint: string): Promise<Recorded | null> {
      const entry = messages.takenWith(partner, connection, fingerprint).find(({ facts }) => facts.some(({ label, value }) => label === what && value === fingerprint))
      return entry === undefined ? null : await recorded(entry)
    },

    /** The last receipt of a partner that a certificate signed. */
    lastReceipt(partner: string, connection: string, fingerprint: string): Recorded | null {
      const receipt = messages.receiptBy(partner, connection, fingerprint)
      return receipt === null ? null : { at: receipt.receivedAt, headers: receipt.headers, body: receipt.body, name: 'receipt' }
    },
  }
}
