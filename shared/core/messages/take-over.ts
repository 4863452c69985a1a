/** Takes a spooled message over once, and answers every repetition with the receipt that the first one got. */
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { MessageParty } from '../partners/routes.ts'
import type { Envelope } from '../protocols/as2/message/index.ts'
import type { InboundAnswer, InboundRequest } from '../protocols/as2/listener.ts'
import type { Database } from '../store/database.ts'
import type { StoredPayload } from '../store/payload-store.ts'
import { givenAnswer } from './answers.ts'
import type { Processing } from './processing.ts'
import type { InboundRecord, MessageRepository } from './repository.ts'
import type { ReceiptPost } from './receipt-post.ts'
import type { Throttle } from './throttle.ts'

export interface TakeOverDeps {
  readonly database: Database
  readonly messages: MessageRepository
  readonly processing: Processing
  readonly audit: AuditTrail
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly logger: Logger
  readonly count: (what: 'messages' | 'duplicates' | 'receipts' | 'refused') => void
  readonly throttle: Throttle
  readonly receiptPost: Pick<ReceiptPost, 'afterAnswer'>
}

/** `spooled` is the body of the request, in the payload store. */
export type TakeOver = (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: StoredPayload) => Promise<InboundAnswer>

const asksAsync = ({ receipt }: Envelope): boolean => receipt.wanted && receipt.delivery.mode === 'async'

export function createTakeOver(deps: TakeOverDeps): TakeOver {
  const { database, messages, processing, audit, clock } = deps
  /** What is being worked on, by its entry. */
  const underway = new Map<string, Promise<InboundRecord>>()

  const takeOver: TakeOver = async (request, envelope, party, spooled) => {
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
    if (!written) {
      deps.count('refused')
      return { status: 503, headers: [['Retry-After', '30'], ['Connection', 'close']] }
    }
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
    if (asksAsync(envelope)) return await answerBeforeReceipt(id, async () => {
      noteRefusal(workOff(id), remote)
      // Answered as soon as the message is safe (Drummond 3Q11).
      await database.flushed()
    })
    const work = workOff(id)
    noteRefusal(work, remote)
    const entry = await work
    if (entry.state === 'refused') deps.count('refused')
    return givenAnswer(entry, envelope, party)
  }

  const noteRefusal = (work: Promise<InboundRecord>, remote: string): void => void work.then(({ state }) => state === 'refused' && deps.throttle.failed(remote)).catch(() => undefined)

  /** The receipt is not posted before the answer to the message has gone out: many products know the message only from then on (Drummond 1Q12). */
  const answerBeforeReceipt = async (id: string, action: () => Promise<void>): Promise<InboundAnswer> => {
    const onSent = deps.receiptPost.afterAnswer(id)
    try {
      await action()
      return { status: 200, onSent }
    } catch (error) {
      onSent()
      throw error
    }
  }

  const answerRepetition = async (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: StoredPayload, earlier: InboundRecord): Promise<InboundAnswer> => {
    deps.count('duplicates')
    if (earlier.bodySha256 !== spooled.sha256) return await refuseOtherContent(request, envelope, party, spooled, earlier)
    const entry = earlier.state === 'processed' ? earlier : await workOff(earlier.id)
    const again = async (): Promise<void> => {
      database.transaction(() => {
        if (asksAsync(envelope)) messages.postReceiptAgain(entry.id, timestamp(clock.now()))
        audit.record({ actor: systemActor, type: 'as2.repetition', subject: { kind: 'message', id: entry.id }, partner: party.partner.id, data: { messageId: entry.messageId, remote: request.remote, first: entry.receivedAt } })
      }, 'grouped')
      await database.flushed()
    }
    if (asksAsync(envelope)) {
      const answer = await answerBeforeReceipt(entry.id, again)
      processing.receiptQueued()
      return answer
    }
    await again()
    return givenAnswer(entry, envelope, party)
  }

  /** A name that was used for something else: an attack, or a partner that numbers wrongly. What came first stays. */
  const refuseOtherContent = async (request: InboundRequest, envelope: Envelope, party: MessageParty, spooled: StoredPayload, earlier: InboundRecord): Promise<InboundAnswer> => {
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

  return takeOver
}

/** What is written down of a request before anything is done about it. */
export function entryOf(request: InboundRequest, envelope: Envelope, party: MessageParty | null, spooled: StoredPayload, now: number): Parameters<MessageRepository['insertInbound']>[0] {
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

