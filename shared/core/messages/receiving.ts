/**
 * What happens to a request that was posted to our receiver: safely spooled before it is answered, taken over once, and every
 * repetition answered with the receipt that the first one got.
 */
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { MessageParty } from '../partners/routes.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { classifyBody, readEnvelope, type Envelope, type HeaderPair } from '../protocols/as2/message/index.ts'
import type { InboundAnswer, InboundRequest } from '../protocols/as2/listener.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { IncomingReceipts } from './incoming-receipts.ts'
import { callerProblem, type CallerRules } from './callers.ts'
import type { Parties } from './parties.ts'
import type { Processing } from './processing.ts'
import { givenAnswer, unknownPartyAnswer } from './answers.ts'
import type { InboundRecord, MessageRepository } from './repository.ts'
import type { Throttle } from './throttle.ts'

/** Enough to see whether it is a receipt. */
const PEEK_BYTES = 4096
/** What strangers may leave here, for an operator who looks why a partner's messages do not arrive. */
const STRANGERS = { maxBytes: 8 * 1024 * 1024, maxEntries: 200 }
const MAX_RECEIPT_BYTES = 1024 * 1024

export interface ReceivingDeps {
  readonly database: Database
  readonly messages: MessageRepository
  readonly payloads: PayloadStore
  readonly parties: Parties
  readonly processing: Processing
  readonly receipts: IncomingReceipts
  readonly policy: Pick<PolicyGate, 'requireApproved'>
  readonly audit: AuditTrail
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly logger: Logger
  readonly product: string
  readonly count: (what: 'messages' | 'duplicates' | 'receipts' | 'refused') => void
  readonly throttle: Throttle
  readonly callerRules: (party: MessageParty) => CallerRules
}

export type Receive = (request: InboundRequest) => Promise<InboundAnswer>

const EMPTY: InboundAnswer = { status: 200 }
const CLOSE: HeaderPair = ['Connection', 'close']

export function createReceiving(deps: ReceivingDeps): Receive {
  const { database, messages, payloads, processing, audit, clock } = deps
  /** Messages under way per connection, and what is being worked on by its key. */
  const perParty = new Map<string, number>()
  const underway = new Map<string, Promise<InboundRecord>>()

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
  const spool = async (body: AsyncIterable<Uint8Array>, limit: number, expected: number | undefined): Promise<Spooled | null> => {
    try {
      return await payloads.take(limited(body, limit), { size: expected ?? 0 })
    } catch (error) {
      if (error instanceof TooLarge) return null
      throw error
    }
  }

  const takeOver = async (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: Spooled): Promise<InboundAnswer> => {
    const key = envelope.messageId?.key ?? ''
    const from = envelope.from?.id ?? ''
    const to = envelope.to?.id ?? ''
    const valid = envelope.messageId?.valid === true
    const earlier = valid ? messages.takenOver(from, to, key) : null
    if (earlier !== null) return await answerRepetition(request, envelope, party, spooled, earlier)
    const entry = entryOf(request, envelope, party, spooled, clock.now())
    const written = database.transaction(() => {
      // What has no identifier that can be named is never taken over, and so never repeated either.
      if (!messages.insertInbound(valid ? entry : { ...entry, state: 'refused', messageKey: `${key} ${entry.id}` })) return false
      audit.record({
        actor: systemActor,
        type: 'as2.message_received',
        subject: { kind: 'message', id: entry.id },
        partner: party.partner.id,
        data: { messageId: entry.messageId, from, to, bytes: spooled.size, sha256: spooled.sha256, remote: request.remote },
      })
      return true
    }, 'grouped')
    const raced = written ? null : messages.takenOver(from, to, key)
    if (raced !== null) return await answerRepetition(request, envelope, party, spooled, raced)
    if (!written) return refuse(503, ['Retry-After', '30'])
    deps.count('messages')
    return await answerNew(entry.id, request, envelope, party)
  }

  /** Whoever asks while it is being worked on waits for the same end. */
  const workOff = (id: string): Promise<InboundRecord> => {
    const running = underway.get(id)
    if (running !== undefined) return running
    const work = processing.process(id).finally(() => underway.delete(id))
    underway.set(id, work)
    work.catch((error: unknown) => deps.logger.log('error', 'a received message could not be worked off; it stays in the spool', { message: id, problem: asAppError(error).message }))
    return work
  }

  const answerNew = async (id: string, { remote }: InboundRequest, envelope: Envelope, party: MessageParty): Promise<InboundAnswer> => {
    const work = workOff(id)
    void work.then(({ state }) => state === 'refused' && deps.throttle.failed(remote)).catch(() => undefined)
    // The sender of an asynchronous receipt is answered as soon as the message is safe (Drummond 3Q11).
    if (envelope.receipt.wanted && envelope.receipt.delivery.mode === 'async') {
      await database.flushed()
      return EMPTY
    }
    const entry = await work
    if (entry.state === 'refused') deps.count('refused')
    return givenAnswer(entry, envelope, party)
  }

  const answerRepetition = async (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: Spooled, earlier: InboundRecord): Promise<InboundAnswer> => {
    deps.count('duplicates')
    if (earlier.bodySha256 !== spooled.sha256) return await refuseOtherContent(request, envelope, party, spooled, earlier)
    const entry = earlier.state === 'processed' ? earlier : await workOff(earlier.id)
    const async = envelope.receipt.wanted && envelope.receipt.delivery.mode === 'async'
    database.transaction(() => {
      if (async) messages.postReceiptAgain(entry.id, timestamp(clock.now()))
      audit.record({ actor: systemActor, type: 'as2.repetition', subject: { kind: 'message', id: entry.id }, partner: party.partner.id, data: { messageId: entry.messageId, remote: request.remote, first: entry.receivedAt } })
    }, 'grouped')
    await database.flushed()
    if (async) processing.receiptQueued()
    return async ? EMPTY : givenAnswer(entry, envelope, party)
  }

  /** A name that was used for something else: an attack, or a partner that numbers wrongly. What came first stays. */
  const refuseOtherContent = async (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: Spooled, earlier: InboundRecord): Promise<InboundAnswer> => {
    const entry = entryOf(request, envelope, party, spooled, clock.now())
    database.transaction(() => {
      messages.insertInbound({ ...entry, state: 'refused', reason: 'other-content', detail: `the Message-ID was used before for other bytes (${earlier.id}, ${earlier.receivedAt})` })
      audit.record({
        actor: systemActor,
        type: 'as2.message_id_reused',
        subject: { kind: 'message', id: entry.id },
        partner: party.partner.id,
        data: { messageId: entry.messageId, first: earlier.id, firstSha256: earlier.bodySha256, sha256: spooled.sha256, remote: request.remote },
      })
      deps.raise({ severity: 'attention', title: 'A message number was used twice', body: `${party.partner.id} sent another content under a number that came before. It was refused.`, subject: { kind: 'partner', id: party.partner.id } })
    })
    deps.count('refused')
    deps.throttle.failed(request.remote)
    const concluded = await processing.refuse(entry.id, { kind: 'error', modifier: 'unexpected-processing-error' }, 'other-content')
    return givenAnswer(concluded, envelope, party)
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

interface Spooled {
  readonly sha256: string
  readonly size: number
}

function entryOf(request: InboundRequest, envelope: Envelope, party: MessageParty | null, spooled: Spooled, now: number): Parameters<MessageRepository['insertInbound']>[0] {
  return {
    id: newId('inm', now),
    receivedAt: timestamp(now),
    state: 'spooled',
    partner: party?.partner.id ?? null,
    connection: party?.connection.id ?? null,
    as2From: envelope.from?.id ?? '',
    as2To: envelope.to?.id ?? '',
    messageId: (envelope.messageId?.raw ?? '').slice(0, 1000),
    messageKey: envelope.messageId?.key ?? '',
    headers: request.headers.filter(([name]) => !/^(authorization|cookie|proxy-authorization)$/i.test(name)),
    bodySha256: spooled.sha256,
    bodyBytes: spooled.size,
    remote: request.remote,
    reason: null,
    detail: null,
  }
}

class TooLarge extends Error {}

async function* limited(body: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw new TooLarge()
    yield chunk
  }
}

async function collectUpTo(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A stream that can be looked into before it is read. */
function peeking(source: AsyncIterable<Uint8Array>): { first(count: number): Promise<Uint8Array>; all(): AsyncIterable<Uint8Array> } {
  const iterator = source[Symbol.asyncIterator]()
  const seen: Uint8Array[] = []
  let ended = false
  /** Answers how many bytes came; 0 at the end. */
  const pull = async (): Promise<number> => {
    const next = await iterator.next()
    if (next.done === true) {
      ended = true
      return 0
    }
    seen.push(next.value)
    return next.value.length
  }
  return {
    async first(count) {
      for (let have = 0; have < count; ) {
        const came = await pull()
        if (came === 0) break
        have += came
      }
      return Buffer.concat(seen).subarray(0, count)
    },
    async *all() {
      yield* seen.splice(0)
      while (!ended) {
        const next = await iterator.next()
        if (next.done === true) ended = true
        else yield next.value
      }
    },
  }
}
