/** Sends our messages: built once and frozen, posted as they are as often as it takes, judged by the receipt. */
import type { ErrorCode } from '../../contract/errors/index.ts'
import type { MessageAnswer, MessageExchange, MessageTask } from '../deliveries/message-attempt.ts'
import { CmsError } from '../crypto/cms/index.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError } from '../kernel/errors.ts'
import { createConnectionSlots } from '../partners/connection-slots.ts'
import type { MessageRoute } from '../partners/routes.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { allowancesOf, buildOptionsOf, contentTypeOf, type As2Identity, type OutgoingFile } from '../protocols/as2/build-message.ts'
import { post, type HttpAnswer } from '../protocols/as2/http-client.ts'
import { buildMessage, classifyBody, headerValue, judgeMdn, MessageError, newMessageId, openMdn, type HeaderPair, type MdnReading, type MdnVerdict } from '../protocols/as2/message/index.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import { buildFacts, recordOf } from './built-record.ts'
import type { Keyrings, Unfit } from './keyring.ts'
import type { Lines } from './lines.ts'
import type { Overlap } from './overlap.ts'
import type { BuiltRecord, MessageRepository } from './repository.ts'
import { DISPUTES, factsOf, isLoopback, meaningOf, pauseAfterTry, receiptOf, retryAfter } from './rules.ts'

export interface OutboundDeps {
  readonly messages: MessageRepository
  readonly payloads: PayloadStore
  readonly keyrings: Keyrings
  readonly lines: Lines
  readonly overlap: Overlap
  readonly identityOf: (route: MessageRoute) => As2Identity
  readonly policy: Pick<PolicyGate, 'permitContent' | 'permitReceipt'>
  readonly clock: Clock
  readonly random: () => number
}

const HOUR_MS = 3_600_000
const PEEK_BYTES = 512

export function createOutbound(deps: OutboundDeps): MessageExchange {
  const { messages, payloads, keyrings, lines, overlap, policy, clock } = deps
  const slots = createConnectionSlots()

  /** No more go side by side than was agreed; whatever else is done for a message needs none of the partner's connections. */
  const onTheWire = async <T>({ partner, connection }: MessageRoute, signal: AbortSignal, action: () => Promise<T>): Promise<T> => {
    const giveBack = await slots.take(partner.id, connection.id, { connection: connection.maxConnections, partner: undefined }, signal)
    try {
      return await action()
    } finally {
      giveBack()
    }
  }

  const outgoing = async ({ sha256, size, remoteName }: MessageTask['delivery'], { connection }: MessageRoute, signal: AbortSignal): Promise<OutgoingFile> => {
    const content = (): AsyncIterable<Uint8Array> => payloads.read(sha256, { offset: 0, signal, lend: true })
    return { source: content(), name: remoteName, contentType: connection.message.contentType ?? contentTypeOf(remoteName, await firstBytes(content())), known: { sha256, bytes: size } }
  }

  const build = async (task: MessageTask, route: MessageRoute): Promise<Omit<BuiltRecord, 'acceptedAt'>> => {
    const { delivery, signal } = task
    const identity = deps.identityOf(route)
    const { keys: planned, unfit } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
    const keys = overlap.keysFor(route, planned, delivery.id)
    const date = new Date(clock.now())
    const messageId = newMessageId({ domain: domainOf(identity.id), at: date })
    const files = await Promise.all([delivery, ...task.together].map(async (one) => await outgoing(one, route, signal)))
    const options = withUnfit(unfit, () =>
      buildOptionsOf(files, { connection: route.connection, identity, keys, tolerated: route.tolerated, messageId, date }),
    )
    const built = buildMessage({ ...options, lend: true })
    const body = await payloads.take(built.body, { size: [delivery, ...task.together].reduce((sum, { size }) => sum + size, 0) })
    const report = await built.report
    return recordOf({ delivery: delivery.id, route, identity, headers: built.headers, layers: built.layers, messageId, report, bodySha256: body.sha256, date, facts: buildFacts(options) })
  }

  /** What was built before, or a new one, whose record is written down before its first byte goes out. */
  const buildOnce = async (task: MessageTask, route: MessageRoute): Promise<{ message: BuiltRecord; store: () => void }> => {
    const present = messages.present(task.delivery.id)
    if (present !== null) return { message: present, store: () => undefined }
    try {
      const record = await build(task, route)
      return { message: { ...record, acceptedAt: null }, store: () => messages.insertMessage(record) }
    } catch (error) {
      if (error instanceof AppError) throw error
      if (error instanceof CmsError || error instanceof MessageError) throw new AppError('as2.build_failed', error.message, { details: { code: error.code }, cause: error })
      throw error
    }
  }

  const judge = async (answer: HttpAnswer, message: BuiltRecord, route: MessageRoute): Promise<{ reading: MdnReading; verdict: MdnVerdict }> => {
    const { keys } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
    const reading = await openMdn(answer.headers, [answer.body], { trusted: keys.verify, allow: allowancesOf(route.tolerated), at: new Date(clock.now()) })
    return { reading, verdict: judgeMdn(reading, expectationOf(message, route)) }
  }

  const answered = async (answer: HttpAnswer, message: BuiltRecord, route: MessageRoute, observed: Observed): Promise<MessageAnswer> => {
    const details = { server: urlOf(route).host, status: `${answer.status} ${answer.reason}`.trim(), 'Message-ID': message.messageId }
    if (classifyBody(answer.headers, answer.body.subarray(0, 4096)) !== 'mdn') return bareAnswer(answer, message, observed, details)
    const { reading, verdict } = await judge(answer, message, route)
    const at = timestamp(clock.now())
    const store = (): void => {
      messages.insertReceipt(message.id, { receivedAt: at, mode: 'sync', headers: answer.headers, body: answer.body, sha256: reading.sha256, verdict: verdict.code, facts: factsOf(reading, verdict) })
      // A new message is what a person's "Retry" sends after this.
      if (verdict.code === 'negative') messages.supersede(message.id, at)
    }
    const seen = { ...observed, ...receiptFacts(reading) }
    const base = { observed: seen, within: store, receipt: receiptOf(reading, verdict, message, 'sync', at) }
    const refusal = verdict.delivered ? refusalOfReceipt(policy, { ...placeOf(route), delivery: message.delivery }, seen) : null
    if (refusal !== null) return { kind: 'disputed', ...base, error: refusal }
    if (verdict.delivered) return { kind: 'confirmed', ...base }
    const error = verdictError(verdict, reading, details)
    if (verdict.code === 'negative') return overlap.goesAgain(route, keyrings.of(route.partner.id, route.connection.id, route.tolerated).keys, message, reading.kind === 'mdn' ? reading.disposition.raw : '') ? { kind: 'not-taken', again: true, ...base, error } : { kind: 'refused', ...base, error }
    if (DISPUTES[verdict.code] !== undefined) return { kind: 'disputed', ...base, error }
    return { kind: 'unknown', observed, within: store, error }
  }

  const bareAnswer = (answer: HttpAnswer, message: BuiltRecord, observed: Observed, details: Record<string, string>): MessageAnswer => {
    const wait = retryAfter(headerValue(answer.headers, 'retry-after'), clock.now())
    const fail = (kind: MessageAnswer['kind'], code: ErrorCode): MessageAnswer => ({
      kind,
      observed,
      waitAtLeast: wait,
      error: new AppError(code, `${details['server'] ?? ''} answered ${details['status'] ?? ''}`, { details: { ...details, answer: startOf(answer.body) } }),
    })
    switch (meaningOf(answer.status, message.receiptMode)) {
      case 'taken': {
        const at = timestamp(clock.now())
        if (message.receiptMode === 'async') return { kind: 'accepted', observed, within: () => messages.accepted(message.id, at) }
        return { kind: 'confirmed', observed, receipt: withoutReceipt(message, details['status'] ?? '', at) }
      }
      case 'no-receipt':
        return fail('unknown', 'as2.receipt_missing')
      case 'later':
        return fail('not-taken', 'as2.http_failed')
      case 'failed':
        return fail('unknown', 'as2.http_failed')
      case 'redirected':
        return fail('refused', 'as2.redirected')
      case 'refused':
        return fail('refused', 'as2.http_refused')
    }
  }

  return {
    async send(task, route) {
      const url = urlOf(route)
      checkTransport(url, route)
      const { message, store } = await buildOnce(task, route)
      let written = false
      const observed: Record<string, string> = { ...Object.fromEntries(message.facts.map(({ label, value }) => [label, value])), messageId: message.messageId, receiptAsked: receiptAskedOf(message) }
      // Each time: what was built under an exception does not go out after its end.
      policy.permitContent({ ...placeOf(route), delivery: task.delivery.id }, observed)
      const posting = {
        url,
        agent: lines.agent(route),
        headers: message.headers,
        bytes: message.bodyBytes,
        body: () => payloads.read(message.bodySha256, { offset: 0, signal: task.signal }),
        chunked: route.connection.http.chunked,
        authorization: authorizationOf(route),
        signal: task.signal,
        async onConnected() {
          Object.assign(observed, lines.observed(route))
          // A second line in place of a stale one is the same try.
          if (written) return
          await task.committing(observed, store)
          written = true
        },
        onSent: (bytes: number) => task.sent(bytes, message.bodyBytes),
      }
      const answer = await onTheWire(route, task.signal, async () => await post(posting)).catch((error: unknown) => {
        // Nobody was reached: what was built is kept for the next try.
        if (!written) store()
        throw written ? hungUp(error, message) : error
      })

      return await answered(answer, message, route, { ...observed, httpStatus: String(answer.status), ...productOf(answer.headers) })
    },

    firstTryAt: (delivery) => timeOrNull(messages.present(delivery)?.builtAt),
    acceptedAt: (delivery) => timeOrNull(messages.present(delivery)?.acceptedAt),
    pauseAfter: (tries, since, { connection }) => pauseAfterTry(tries, { since, now: clock.now(), hours: connection.retry.giveUpAfterHours }, deps.random()),
    patience: ({ connection: { receipt } }) => ({ warnMs: Math.min(receipt.warnAfterMinutes * 60_000, receipt.failAfterHours * HOUR_MS), failMs: receipt.failAfterHours * HOUR_MS }),
    discard(delivery) {
      const present = messages.present(delivery)
      if (present !== null) messages.supersede(present.id, timestamp(clock.now()))
    },
  }
}

type Observed = Readonly<Record<string, string>>

/** A word on a line that ended without an answer, where it is known which product does that. */
function hungUp(error: unknown, { receiptMode, receiptSigned }: BuiltRecord): unknown {
  if (!(error instanceof AppError) || error.code !== 'net.connection_lost' || receiptMode !== 'sync' || receiptSigned) return error
  return new AppError(error.code, error.message, { details: { ...error.details, perhaps: 'the partner has the message: OpenAS2 2.x hangs up when it is asked for an unsigned receipt; ask for a signed one' }, cause: error })
}

export function placeOf({ partner, connection }: MessageRoute): { partner: string; connection: string; direction: 'outbound' } {
  return { partner: partner.id, connection: connection.id, direction: 'outbound' }
}

export function receiptAskedOf({ receiptMode, receiptSigned }: BuiltRecord): string {
  return receiptMode === 'none' ? 'none' : receiptSigned ? 'signed' : 'unsigned'
}

/** How a receipt was signed, for the policy; nothing for one that is none or whose signature counts for nothing. */
export function receiptFacts(reading: MdnReading): Observed {
  if (reading.kind !== 'mdn') return {}
  const { signature } = reading
  return signature.state === 'valid' ? { receiptSigned: signature.report.digestAlgorithm } : signature.state === 'unsigned' ? { receiptSigned: 'no' } : {}
}

/** A receipt that is whole and genuine, and not as the policy wants it. */
export function refusalOfReceipt(policy: Pick<PolicyGate, 'permitReceipt'>, place: Parameters<PolicyGate['permitReceipt']>[0], facts: Observed): AppError | null {
  try {
    policy.permitReceipt(place, facts)
    return null
  } catch (error) {
    return asAppError(error)
  }
}

/** What the receipt of a message must say; all of it was written down when the message was built. */
export function expectationOf(message: BuiltRecord, route: MessageRoute): Parameters<typeof judgeMdn>[1] {
  return {
    messageId: message.messageId,
    as2From: message.as2From,
    as2To: message.as2To,
    signedReceipt: message.receiptSigned && !route.tolerated.includes('unsigned-receipt'),
    mics: message.mics,
  }
}

/** Why a receipt is no proof, for the operator. */
export function verdictError(verdict: MdnVerdict, reading: MdnReading, details: Readonly<Record<string, string>>): AppError {
  const code = verdict.code === 'negative' ? 'as2.receipt_negative' : (DISPUTES[verdict.code] ?? 'as2.receipt_missing')
  const said = reading.kind === 'mdn' ? { disposition: reading.disposition.raw.slice(0, 300), ...(reading.text === '' ? {} : { 'partner says': reading.text.slice(0, 600) }) } : { problem: reading.detail }
  return new AppError(code, verdict.reasons.join(' ') || verdict.code, { details: { ...details, ...said } })
}

export function urlOf({ connection, partner }: MessageRoute): URL {
  if (connection.url === undefined) throw new AppError('as2.not_agreed', `${partner.id}/${connection.id} has no address; it is for receiving only`)
  return new URL(connection.url)
}

/** Plain HTTP stays on this computer, or is a dated exception for messages that are protected by themselves. */
export function checkTransport(url: URL, { connection, tolerated }: MessageRoute): void {
  if (url.protocol === 'https:' || isLoopback(url.hostname)) return
  const details = { server: url.host, exception: 'plain-http' }
  if (!tolerated.includes('plain-http')) throw new AppError('as2.plain_http', `${url.host} would be reached without TLS`, { details })
  if (!connection.message.sign || !connection.message.encrypt) throw new AppError('as2.plain_http', 'the exception holds for messages that are signed and encrypted, and this connection sends others', { details })
}

export function authorizationOf({ connection: { http }, secrets }: MessageRoute): string | undefined {
  return http.username === undefined ? undefined : `Basic ${Buffer.from(`${http.username}:${secrets['password'] ?? ''}`).toString('base64')}`
}

/** A role for which nothing fit is bound, but something unfit is, deserves a better word. */
export function withUnfit<T>(unfit: readonly Unfit[], action: () => T): T {
  try {
    return action()
  } catch (error) {
    const role = error instanceof AppError && error.code === 'as2.certificate_missing' ? error.details['role'] : undefined
    const bad = unfit.find((one) => one.role === role)
    if (bad === undefined) throw error
    throw new AppError('as2.certificate_unfit', `${bad.role}: ${bad.problem}`, { details: { role: bad.role, certificate: bad.certificate, problem: bad.problem } })
  }
}

/** No receipt was asked for: the server's word is all there is. */
function withoutReceipt(message: BuiltRecord, status: string, at: string): NonNullable<MessageAnswer['receipt']> {
  return { kind: 'mdn', at, messageId: message.messageId, mdnMessageId: null, mode: 'none', disposition: `HTTP ${status}`, signed: false, signer: null, micAlgorithm: null, micSent: message.mics[0]?.value ?? null, micReceived: null, micMatches: null, rawSha256: null }
}

async function firstBytes(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of content) return chunk.subarray(0, PEEK_BYTES)
  return new Uint8Array(0)
}

/** What an answer that is no receipt begins with, on one line. */
function startOf(body: Buffer): string {
  // oxlint-disable-next-line no-control-regex -- they are exactly what is removed
  return body.subarray(0, 300).toString('latin1').replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim() || 'nothing'
}

function productOf(headers: readonly HeaderPair[]): Record<string, string> {
  const product = headerValue(headers, 'as2-product') ?? headerValue(headers, 'server') ?? headerValue(headers, 'user-agent')
  return product === undefined ? {} : { serverSoftware: product.slice(0, 200) }
}

function domainOf(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9._-]+/g, '-')
}

function timeOrNull(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text)
}
