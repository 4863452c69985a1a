/** Receipts that are posted to us: matched to a message of ours, judged, and counted once. Anybody can post here. */
import type { AuditTrail } from '../audit/service.ts'
import type { Ledger } from '../deliveries/ledger.ts'
import { stepFor, type OutboundEvent } from '../deliveries/rules.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { toWireError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { MessageRoute, Routes } from '../partners/routes.ts'
import { allowancesOf } from '../protocols/as2/build-message.ts'
import { judgeMdn, openMdn, type Envelope, type HeaderPair, type MdnReading, type MdnVerdict } from '../protocols/as2/message/index.ts'
import type { PolicyGate } from '../policy/gate.ts'
import type { Database } from '../store/database.ts'
import type { Keyrings } from './keyring.ts'
import { expectationOf, placeOf, receiptAskedOf, receiptFacts, refusalOfReceipt, verdictError } from './outbound.ts'
import type { Overlap } from './overlap.ts'
import type { Parties } from './parties.ts'
import type { BuiltRecord, MessageRepository } from './repository.ts'
import { DISPUTES, factsOf, mayDecide, receiptOf } from './rules.ts'

export interface PostedReceipt {
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly envelope: Envelope
  readonly remote: string
}

export interface IncomingReceipts {
  /** Never says what came of it: whoever posts learns nothing. */
  take(receipt: PostedReceipt): Promise<void>
}

export function createIncomingReceipts(deps: {
  readonly database: Database
  readonly messages: MessageRepository
  readonly ledger: Ledger
  readonly routes: Pick<Routes, 'messages'>
  readonly parties: Parties
  readonly keyrings: Keyrings
  readonly overlap: Overlap
  readonly policy: Pick<PolicyGate, 'permitReceipt' | 'noteUses'>
  readonly audit: AuditTrail
  readonly clock: Clock
}): IncomingReceipts {
  const { database, messages, ledger, routes, parties, keyrings, overlap, policy, audit, clock } = deps

  const note = (type: string, posted: PostedReceipt, data: Readonly<Record<string, unknown>>, partner: string | null): void => {
    const id = newId('rcp', clock.now())
    database.transaction(() =>
      audit.record({ actor: systemActor, type, subject: { kind: 'receipt', id }, partner, data: { from: posted.envelope.from?.id ?? null, to: posted.envelope.to?.id ?? null, remote: posted.remote, ...data } }),
    )
  }

  const decide = (message: BuiltRecord, route: MessageRoute, posted: PostedReceipt, reading: MdnReading, verdict: MdnVerdict): void => {
    const at = timestamp(clock.now())
    const row = { receivedAt: at, mode: 'async', headers: posted.headers, body: posted.body, sha256: reading.sha256, verdict: verdict.code, facts: factsOf(reading, verdict) } as const
    const place = { ...placeOf(route), delivery: message.delivery }
    const seen = { receiptAsked: receiptAskedOf(message), ...receiptFacts(reading) }
    const refusal = verdict.delivered ? refusalOfReceipt(policy, place, seen) : null
    database.transaction(() => {
      // The same receipt again: replayed, or repeated by a partner who did not hear our answer.
      if (!messages.insertReceipt(message.id, row)) return
      const { delivery, state } = ledger.get(message.delivery)
      const { keys } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
      const again = verdict.code === 'negative' && state === 'awaiting-receipt' && reading.kind === 'mdn' && overlap.goesAgain(route, keys, message, reading.disposition.raw)
      const event = refusal !== null ? 'disputed' : again ? 'not-taken' : eventOf(verdict)
      const possible = event !== null && mayDecide(verdict.code, reading, expectationOf(message, route).signedReceipt) && stepFor(state, event) !== null
      if (!possible) {
        note('as2.receipt_without_effect', posted, { delivery: delivery.id, messageId: message.messageId, verdict: verdict.code, reasons: verdict.reasons, state }, delivery.partner)
        return
      }
      const receipt = receiptOf(reading, verdict, message, 'async', at)
      const details = { 'Message-ID': message.messageId, remote: posted.remote }
      const error = refusal !== null ? toWireError(refusal) : verdict.delivered ? null : toWireError(verdictError(verdict, reading, details))
      const attempt = event === 'confirmed' ? 'delivered' : event === 'disputed' ? 'disputed' : 'failed'
      ledger.apply(delivery.id, event, {
        actor: systemActor,
        receipt,
        error,
        attempt,
        data: { mode: 'async', remote: posted.remote },
        ...(again ? { nextTryAt: at } : {}),
        within: () => {
          policy.noteUses(place, seen)
          if (verdict.code === 'negative') messages.supersede(message.id, at)
        },
      })
    })
  }

  return {
    async take(posted) {
      const party = parties.find(posted.envelope.from?.id ?? '', posted.envelope.to?.id ?? '')
      if (party === null) return note('as2.receipt_unknown_party', posted, {}, null)
      const route = routes.messages(party.partner.id, party.connection.id, { receiving: true })
      const { keys } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
      const reading = await openMdn(posted.headers, [posted.body], { trusted: keys.verify, allow: allowancesOf(route.tolerated), at: new Date(clock.now()) })
      const key = reading.kind === 'mdn' ? reading.originalMessageId?.key : undefined
      const message = key === undefined ? null : messages.byKey(key)
      // A receipt speaks only about what was sent to its own author.
      if (message === null || message.partner !== party.partner.id) {
        return note('as2.receipt_not_ours', posted, { sha256: reading.sha256, original: reading.kind === 'mdn' ? (reading.originalMessageId?.raw.slice(0, 300) ?? null) : null }, party.partner.id)
      }
      decide(message, route, posted, reading, judgeMdn(reading, expectationOf(message, route)))
    },
  }
}

function eventOf(verdict: MdnVerdict): Extract<OutboundEvent, 'confirmed' | 'disputed' | 'failed-for-good'> | null {
  if (verdict.delivered) return 'confirmed'
  if (verdict.code === 'negative') return 'failed-for-good'
  return DISPUTES[verdict.code] === undefined ? null : 'disputed'
}
