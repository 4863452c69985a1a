/** What happens to a request that was posted to our receiver: who is meant, whether it is let in, and safely spooled before it is answered. */
import { systemActor } from '../kernel/actor.ts'
import { asAppError } from '../kernel/errors.ts'
import type { MessageParty } from '../partners/routes.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { classifyBody, readEnvelope, type Envelope, type HeaderPair } from '../protocols/as2/message/index.ts'
import type { InboundAnswer, InboundRequest } from '../protocols/as2/listener.ts'
import type { PayloadStore, StoredPayload } from '../store/payload-store.ts'
import type { IncomingReceipts } from './incoming-receipts.ts'
import { callerProblem, type CallerRules } from './callers.ts'
import type { Parties } from './parties.ts'
import { unknownPartyAnswer } from './answers.ts'
import { collectUpTo, limited, peeking, TooLarge } from './request-body.ts'
import { createTakeOver, entryOf, type TakeOverDeps } from './take-over.ts'

/** Enough to see whether it is a receipt. */
const PEEK_BYTES = 4096
/** What strangers may leave here, for an operator who looks why a partner's messages do not arrive. */
const STRANGERS = { maxBytes: 8 * 1024 * 1024, maxEntries: 200 }
const MAX_RECEIPT_BYTES = 1024 * 1024

export interface ReceivingDeps extends TakeOverDeps {
  readonly payloads: PayloadStore
  readonly parties: Parties
  readonly receipts: IncomingReceipts
  readonly policy: Pick<PolicyGate, 'requireApproved'>
  readonly product: string
  readonly callerRules: (party: MessageParty) => CallerRules
}

export type Receive = (request: InboundRequest) => Promise<InboundAnswer>

const EMPTY: InboundAnswer = { status: 200 }
const CLOSE: HeaderPair = ['Connection', 'close']

export function createReceiving(deps: ReceivingDeps): Receive {
  const { database, messages, payloads, audit, clock } = deps
  const takeOver = createTakeOver(deps)
  /** Messages under way per connection. */
  const perParty = new Map<string, number>()

  const refuse = (status: number, ...headers: HeaderPair[]): InboundAnswer => {
    deps.count('refused')
    return { status, headers: [...headers, CLOSE] }
  }

  const receive = async (request: InboundRequest): Promise<InboundAnswer> => {
    const envelope = readEnvelope(request.headers)
    const { from, to } = envelope
    if (from === undefined || to === undefined) return refuse(400)
    const body = peeking(request.body)
    const kind = classifyBody(request.headers, await body.first(PEEK_BYTES))
    if (kind === 'mdn') return await receiveReceipt(request, envelope, body.all())
    const party = deps.parties.find(from.id, to.id)
    if (party === null) return await receiveFromStranger(request, envelope, body.all())
    if (kind === 'empty' && request.length === 0) return refuse(400)
    // Nothing is exchanged with a suspended partner; its messages are asked for again, so that none is lost.
    if (party.suspended) return refuse(503, ['Retry-After', '3600'])
    const problem = callerProblem(request, party, deps.callerRules(party))
    if (problem !== null) return refuseCaller(request, party, problem)
    return await receiveFromParty(request, envelope, party, body.all())
  }

  const refuseCaller = (request: InboundRequest, party: MessageParty, { answer, why }: NonNullable<ReturnType<typeof callerProblem>>): InboundAnswer => {
    database.transaction(() =>
      audit.record({ actor: systemActor, type: 'as2.caller_refused', subject: { kind: 'connection', id: `${party.partner.id}/${party.connection.id}` }, partner: party.partner.id, data: { why, remote: request.remote } }),
    )
    const { status, headers = [] } = answer
    return refuse(status, ...headers)
  }

  const receiveReceipt = async (request: InboundRequest, envelope: Envelope, body: AsyncIterable<Uint8Array>): Promise<InboundAnswer> => {
    const bytes = await collectUpTo(body, MAX_RECEIPT_BYTES)
    if (bytes === null) return refuse(413)
    deps.count('receipts')
    await deps.receipts.take({ headers: request.headers, body: bytes, envelope, remote: request.remote })
    return EMPTY
  }

  /** In hardened mode: who sends keeps the message and comes again, until somebody approved the change or undid it. */
  const isApproved = ({ partner, connection }: MessageParty): boolean => {
    try {
      deps.policy.requireApproved(partner.id, connection.id, 'inbound')
      return true
    } catch (error) {
      const { message } = asAppError(error)
      deps.logger.log('warn', 'a message was turned away: hardened mode', { partner: partner.id, problem: message })
      deps.raise({ severity: 'attention', title: `Messages of ${partner.name} are turned away`, body: `Hardened mode is on, and ${message}. The partner is asked to come again later.`, subject: { kind: 'partner', id: partner.id } })
      return false
    }
  }

  const receiveFromParty = async (request: InboundRequest, envelope: Envelope, party: MessageParty, body: AsyncIterable<Uint8Array>): Promise<InboundAnswer> => {
    const { inbound } = party.connection
    if (!isApproved(party)) return refuse(503, ['Retry-After', '600'])
    if ((request.length ?? 0) > inbound.maxBytes) return refuse(413)
    const lane = `${party.partner.id}/${party.connection.id}`
    const running = perParty.get(lane) ?? 0
    if (running >= inbound.maxParallel) return refuse(503, ['Retry-After', '10'])
    perParty.set(lane, running + 1)
    try {
      const spooled = await spool(body, inbound.maxBytes, request.length)
      return spooled === null ? refuse(413) : await takeOver(request, envelope, party, spooled)
    } finally {
      perParty.set(lane, (perParty.get(lane) ?? 1) - 1)
    }
  }

  /** Null when it is larger than agreed. */
  const spool = async (body: AsyncIterable<Uint8Array>, limit: number, expected: number | undefined): Promise<StoredPayload | null> => {
    try {
      return await payloads.take(limited(body, limit), { size: expected ?? 0 })
    } catch (error) {
      if (error instanceof TooLarge) return null
      throw error
    }
  }

  const receiveFromStranger = async (request: InboundRequest, envelope: Envelope, body: AsyncIterable<Uint8Array>): Promise<InboundAnswer> => {
    deps.count('refused')
    const from = envelope.from?.id ?? ''
    const to = envelope.to?.id ?? ''
    const total = messages.strangers()
    const room = total < STRANGERS.maxEntries && (request.length ?? 0) <= STRANGERS.maxBytes
    const spooled = room ? await spool(body, STRANGERS.maxBytes, request.length) : null
    if (spooled !== null) {
      const entry = entryOf(request, envelope, null, spooled, clock.now())
      database.transaction(() => {
        messages.insertInbound({ ...entry, state: 'quarantined', reason: 'unknown-party', detail: `no connection exchanges messages from "${from}" to "${to}"` })
        audit.record({ actor: systemActor, type: 'as2.unknown_party', subject: { kind: 'message', id: entry.id }, data: { from, to, messageId: entry.messageId, bytes: spooled.size, remote: request.remote } })
        if (total === 0) deps.raise({ severity: 'attention', title: 'A message from nobody we know', body: 'It is kept for you to look at, and was not taken over.', subject: null })
      })
    }
    const answer = unknownPartyAnswer(envelope, deps.product, clock.now())
    if (answer.status < 400) deps.throttle.failed(request.remote)
    return answer
  }

  return async (request) => {
    const wait = deps.throttle.waitOf(request.remote)
    if (wait > 0) return { status: 429, headers: [['Retry-After', String(Math.ceil(wait / 1000))], CLOSE] }
    try {
      const answer = await receive(request)
      // 503 is our own trouble, or a partner who is early.
      if (answer.status >= 400 && answer.status !== 503) deps.throttle.failed(request.remote)
      return answer
    } catch (error) {
      const failure = asAppError(error)
      if (failure.code === 'net.connection_lost') return { status: 400, headers: [CLOSE] }
      deps.logger.log('error', 'a request to the receiver failed', { remote: request.remote, problem: failure.message })
      // A full disk, say: the sender keeps the message and comes again.
      return { status: 503, headers: [['Retry-After', '300'], CLOSE] }
    }
  }
}
