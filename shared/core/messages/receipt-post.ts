/** Posts our asynchronous receipts: the stored bytes, to the address that was agreed, as often as it takes. */
import type { AuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { MessageRoute, Routes } from '../partners/routes.ts'
import { post } from '../protocols/as2/http-client.ts'
import type { Database } from '../store/database.ts'
import type { Lines } from './lines.ts'
import { checkTransport } from './outbound.ts'
import type { InboundRecord, MessageRepository, StoredMdn } from './repository.ts'
import { pauseAfterTry } from './rules.ts'

/** As long as most products wait for a receipt. */
const POST_FOR_HOURS = 48
const TICK_MS = 15_000
const AT_ONCE = 8

export interface ReceiptPost {
  /** From now on; ends with the signal. */
  start(): void
  /** Something is due. */
  wake(): void
  /** Holds the receipt of a message back until the function is called that this answers: the sender is answered first. */
  afterAnswer(message: string): () => void
  /** Resolves when nothing is being posted any more. */
  settled(): Promise<void>
}

export function createReceiptPost(deps: {
  readonly database: Database
  readonly messages: MessageRepository
  readonly routes: Pick<Routes, 'messages'>
  readonly lines: Lines
  readonly audit: AuditTrail
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly signal: AbortSignal
}): ReceiptPost {
  const { database, messages, routes, lines, audit, clock, signal } = deps
  const running = new Map<string, Promise<void>>()
  /** Messages whose senders wait for the answer to their request. */
  const answering = new Map<string, number>()
  let alarm = new AbortController()

  const send = async (mdn: StoredMdn, url: URL, route: MessageRoute): Promise<void> => {
    checkTransport(url, { ...route, connection: { ...route.connection, message: { ...route.connection.message, sign: mdn.signed, encrypt: true } } })
    const answer = await post({
      url,
      agent: lines.agent(route, url.protocol === 'https:' ? 'https:' : 'http:'),
      headers: mdn.headers.filter(([name]) => name.toLowerCase() !== 'content-length'),
      bytes: mdn.body.length,
      body: async function* once() {
        yield await Promise.resolve(mdn.body)
      },
      chunked: false,
      authorization: undefined,
      signal,
      onConnected: () => undefined,
    })
    if (answer.status < 200 || answer.status >= 300) throw new AppError('as2.http_failed', `${url.host} answered the receipt with ${answer.status} ${answer.reason}`.trim())
  }

  const note = (entry: InboundRecord, type: string, data: Readonly<Record<string, unknown>>): void =>
    audit.record({ actor: systemActor, type, subject: { kind: 'message', id: entry.id }, partner: entry.partner, data: { messageId: entry.messageId, url: entry.mdn?.url ?? null, ...data } })

  const postOne = async (entry: InboundRecord): Promise<void> => {
    const { mdn } = entry
    if (mdn === null) return
    try {
      if (mdn.url === null) throw new AppError('as2.not_agreed', `the connection names no address for receipts to ${entry.partner ?? ''}`)
      await send(mdn, new URL(mdn.url), routes.messages(entry.partner ?? '', entry.connection ?? '', { receiving: true }))
      database.transaction(() => {
        messages.receiptPosted(entry.id, { state: 'sent', nextTryAt: null, problem: null })
        note(entry, 'as2.receipt_posted', {})
      })
    } catch (error) {
      if (signal.aborted) return
      const failure = asAppError(error)
      const pause = failure.retry === 'never' ? null : pauseAfterTry(mdn.tries + 1, { since: Date.parse(entry.processedAt ?? entry.receivedAt), now: clock.now(), hours: POST_FOR_HOURS }, deps.random())
      database.transaction(() => {
        messages.receiptPosted(entry.id, { state: pause === null ? 'failed' : 'queued', nextTryAt: pause === null ? null : timestamp(clock.now() + pause), problem: failure.message })
        note(entry, pause === null ? 'as2.receipt_failed' : 'as2.receipt_delayed', { code: failure.code, problem: failure.message })
        if (pause === null) deps.raise({ severity: 'attention', title: 'A receipt could not be delivered', body: `${entry.partner ?? ''} sent a message that was taken over, but our receipt did not reach them.`, subject: entry.partner === null ? null : { kind: 'partner', id: entry.partner } })
      })
    }
  }

  const round = (): void => {
    for (const entry of messages.receiptsToPost(timestamp(clock.now()))) {
      if (running.size >= AT_ONCE) return
      if (running.has(entry.id) || answering.has(entry.id)) continue
      running.set(
        entry.id,
        postOne(entry).finally(() => {
          running.delete(entry.id)
          alarm.abort()
        }),
      )
    }
  }

  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      alarm = new AbortController()
      round()
      const { nextAt } = messages.receiptQueue()
      const wait = nextAt === null || running.size >= AT_ONCE ? TICK_MS : Math.min(TICK_MS, Math.max(running.size > 0 ? 1000 : 20, Date.parse(nextAt) - clock.now()))
      await clock.sleep(wait, AbortSignal.any([signal, alarm.signal])).catch(() => undefined)
    }
  }

  return {
    start: () => void watch().catch((error: unknown) => deps.logger.log('error', 'receipts are not posted any more', { problem: asAppError(error).message })),
    afterAnswer(id) {
      answering.set(id, (answering.get(id) ?? 0) + 1)
      return () => {
        const left = (answering.get(id) ?? 1) - 1
        if (left > 0) answering.set(id, left)
        else answering.delete(id)
        if (!alarm.signal.aborted) alarm.abort()
      }
    },
    wake() {
      if (!alarm.signal.aborted) alarm.abort()
    },
    settled: async () => void (await Promise.all(running.values())),
  }
}
