/** Works off what was spooled: opens it, takes its files over, writes the receipt, all in one transaction; then releases the files. */
import type { AuditTrail } from '../audit/service.ts'
import type { InboundReleases, NewInbound } from '../deliveries/inbound/release.ts'
import { systemActor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { MessageRoute, Routes } from '../partners/routes.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { allowancesOf, mdnQuirksOf, openPolicyOf, type As2Keys } from '../protocols/as2/build-message.ts'
import { buildMdn, openMessage, planReceipt, readEnvelope, type BuiltMdn, type DispositionToSend, type Envelope, type MicCandidate, type OpenedMessage, type OpenOutcome } from '../protocols/as2/message/index.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore, StoredPayload } from '../store/payload-store.ts'
import { isModern } from './answers.ts'
import type { Identities } from './identities.ts'
import type { Overlap } from './overlap.ts'
import type { Keyrings, Unfit } from './keyring.ts'
import { holdingSink, type HeldFiles } from './held-files.ts'
import { keyText } from './rules.ts'
import type { Facts, InboundConclusion, InboundRecord, MessageRepository } from './repository.ts'

/** Files that are released together. */
const MOST_AT_ONCE = 64

export interface Processing {
  /** Opens and concludes a spooled entry; its end is on the disk then. Rejects only for our own store's troubles: the entry stays spooled. */
  process(id: string): Promise<InboundRecord>
  /** Concludes an entry without opening it. */
  refuse(id: string, disposition: DispositionToSend, reason: string): Promise<InboundRecord>
  /** An asynchronous receipt is to be posted. */
  receiptQueued(): void
  /** Resolves when nothing is being released any more. */
  settled(): Promise<void>
}

export interface ProcessingDeps {
  readonly database: Database
  readonly messages: MessageRepository
  readonly payloads: PayloadStore
  readonly routes: Pick<Routes, 'messages'>
  readonly keyrings: Keyrings
  readonly identities: Identities
  readonly overlap: Overlap
  readonly releases: InboundReleases
  readonly policy: Pick<PolicyGate, 'permitContent' | 'noteUses' | 'noteRefusal'>
  readonly audit: AuditTrail
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly onReceiptQueued: () => void
}

export function createProcessing(deps: ProcessingDeps): Processing {
  const { database, messages, payloads, routes, keyrings, releases, policy, audit, clock } = deps

  const toRelease: string[] = []
  let releasing: Promise<void> | null = null

  const entryOf = (id: string): InboundRecord => {
    const entry = messages.inbound(id)
    if (entry === null) throw new AppError('input.not_found', `there is no message ${id}`)
    return entry
  }

  const routeOf = (entry: InboundRecord): MessageRoute => routes.messages(entry.partner ?? '', entry.connection ?? '', { receiving: true })

  const open = async (entry: InboundRecord, route: MessageRoute, keys: As2Keys): Promise<{ outcome: OpenOutcome; held: HeldFiles }> => {
    const held = holdingSink(payloads)
    const body = payloads.read(entry.bodySha256, { offset: 0, signal: deps.signal, lend: true })
    try {
      const outcome = await openMessage(entry.headers, body, openPolicyOf(route.connection, keys, route.tolerated, new Date(clock.now())), held.sink)
      if (!outcome.ok) await held.drop()
      return { outcome, held }
    } catch (error) {
      await held.drop()
      throw error
    }
  }

  const receiptFor = (envelope: Envelope, route: MessageRoute, keys: As2Keys, disposition: DispositionToSend, mic: MicCandidate | null, authenticated: boolean): { mdn: BuiltMdn; mode: 'sync' | 'async'; url: string | null } | null => {
    const plan = planReceipt(envelope.receipt, allowancesOf(route.tolerated).sha1 === true ? { allowSha1: true } : {})
    if (!plan.send || plan.delivery.mode === 'unusable') return null
    // Asynchronous receipts go to nobody who is not proved, and to no address but the one that was agreed (as2 1.8).
    const url = plan.delivery.mode === 'async' ? (route.connection.inbound.receiptUrl ?? null) : null
    if (plan.delivery.mode === 'async' && !authenticated) return null
    const { messageId } = envelope
    const mdn = buildMdn({
      as2From: envelope.to?.id ?? '',
      as2To: envelope.from?.id ?? '',
      disposition: plan.failure ?? disposition,
      ...(messageId?.valid === true ? { originalMessageId: messageId.raw } : {}),
      ...(mic === null || plan.failure !== undefined ? {} : { mic: { algorithm: mic.algorithm, value: mic.value } }),
      ...(plan.signed && keys.sign !== null ? { sign: { signer: keys.sign, digest: plan.signingDigest } } : {}),
      reportingUa: deps.identities.of(route).product,
      date: new Date(clock.now()),
      quirks: mdnQuirksOf(route.connection, isModern(envelope)),
      allow: allowancesOf(route.tolerated),
    })
    return { mdn, mode: plan.delivery.mode, url }
  }

  const mdnOf = (receipt: ReturnType<typeof receiptFor>): InboundConclusion['mdn'] =>
    receipt === null ? null : { messageId: receipt.mdn.messageId, headers: receipt.mdn.headers, body: receipt.mdn.body, signed: receipt.mdn.signed, mode: receipt.mode, url: receipt.url }

  const conclude = (entry: InboundRecord, end: Omit<InboundConclusion, 'at' | 'deliveries'>, files: readonly NewInbound[]): readonly string[] =>
    database.transaction(() => {
      const accepted = releases.accept(files, systemActor)
      const ids = accepted.map(({ id }) => id)
      for (const [index, id] of ids.entries()) policy.noteUses({ delivery: id, partner: entry.partner ?? '', connection: entry.connection ?? '', direction: 'inbound' }, files[index]?.facts ?? {})
      messages.conclude(entry.id, { ...end, deliveries: ids, at: timestamp(clock.now()) })
      audit.record({
        actor: systemActor,
        type: end.state === 'processed' ? 'as2.message_taken' : 'as2.message_refused',
        subject: { kind: 'message', id: entry.id },
        partner: entry.partner,
        data: {
          messageId: entry.messageId,
          disposition: end.disposition,
          ...(end.reason === null ? {} : { reason: end.reason, detail: end.detail }),
          deliveries: ids,
          ...(end.mic === null ? {} : { mic: `${end.mic.value}, ${end.mic.algorithm}` }),
          ...(end.mdn === null ? {} : { receipt: end.mdn.mode, receiptSigned: end.mdn.signed }),
        },
      })
      return ids
    }, 'grouped')

  const noteAddress = (entry: InboundRecord, envelope: Envelope, route: MessageRoute): void => {
    if (!envelope.receipt.wanted || envelope.receipt.delivery.mode !== 'async') return
    const asked = envelope.receipt.delivery.raw
    const agreed = route.connection.inbound.receiptUrl
    if (agreed !== undefined && sameAddress(asked, agreed)) return
    audit.record({
      actor: systemActor,
      type: 'as2.receipt_address_differs',
      subject: { kind: 'message', id: entry.id },
      partner: entry.partner,
      data: { asked: asked.slice(0, 500), agreed: agreed ?? null },
    })
  }

  const taken = (entry: InboundRecord, route: MessageRoute, keys: As2Keys, outcome: OpenedMessage, facts: Facts, stored: readonly StoredPayload[]): readonly string[] => {
    const disposition: DispositionToSend = { kind: 'processed' }
    const receipt = receiptFor(outcome.envelope, route, deps.overlap.keysForReceipt(route, keys, outcome.observed.decryptedBy), disposition, outcome.mic, true)
    const trace = newId('trc', clock.now())
    const files = outcome.payloads.map((payload, index): NewInbound => {
      const content = stored[index]
      if (content === undefined || content.sha256 !== payload.sha256) throw new AppError('internal.unexpected', `payload ${index} of ${entry.id} is not what was opened`)
      return {
        partner: route.partner.id,
        connection: route.connection.id,
        name: payload.safeName,
        source: entry.messageId,
        size: content.size,
        sha256: content.sha256,
        remoteModifiedAt: null,
        afterwards: 'not-applicable',
        facts: { ...Object.fromEntries(facts.map(({ label, value }) => [label, value])), messageId: entry.messageId, contentType: payload.contentType, ...(payload.rawName !== undefined && payload.rawName !== payload.safeName ? { nameAsSent: payload.rawName.slice(0, 300) } : {}) },
        trace,
      }
    })
    return conclude(
      entry,
      { state: 'processed', disposition: receipt?.mdn.disposition ?? 'processed', reason: null, detail: null, mic: outcome.mic, layers: outcome.layers.map(({ kind }) => kind), facts, mdn: mdnOf(receipt) },
      files,
    )
  }

  /** Why the policy does not take a message that is genuine and whole; null when it does. */
  const refusalOf = (route: MessageRoute, facts: Facts): AppError | null => {
    try {
      policy.permitContent({ partner: route.partner.id, connection: route.connection.id, direction: 'inbound' }, flat(facts))
      return null
    } catch (error) {
      return asAppError(error)
    }
  }

  /** What the message layer refused by itself, in the policy's words; a bound certificate that is not used now is refused here too. */
  const noteRefusal = (route: MessageRoute, reason: string, detail: string, unfit: readonly Unfit[]): void => {
    const bad = reason === 'signer-unknown' ? unfit.find(({ role }) => role === 'verify') : undefined
    const rule = bad === undefined ? RULE_OF_REASON[reason] : bad.exception === 'certificate-expired' ? 'verify-valid' : 'verify-key'
    if (rule === undefined) return
    policy.noteRefusal({ partner: route.partner.id, connection: route.connection.id, direction: 'inbound' }, { rule, seen: bad?.problem ?? detail, exception: bad?.exception ?? null })
  }

  const refused = (entry: InboundRecord, route: MessageRoute, keys: As2Keys, envelope: Envelope, why: { disposition: DispositionToSend; reason: string; detail: string; authenticated: boolean; facts: Facts }): void => {
    const receipt = receiptFor(envelope, route, keys, why.disposition, null, why.authenticated)
    const stated = receipt?.mdn.disposition ?? (why.disposition.kind === 'error' ? `processed/error: ${why.disposition.modifier}` : why.disposition.kind)
    database.transaction(() => {
      conclude(entry, { state: 'refused', disposition: stated, reason: why.reason, detail: why.detail, mic: null, layers: [], facts: why.facts, mdn: mdnOf(receipt) }, [])
      deps.raise({ severity: 'attention', title: 'A message was refused', body: `A message from ${route.partner.id} could not be taken over.`, subject: { kind: 'partner', id: route.partner.id } })
    })
  }

  /** Files of several messages are released together: one flush of the Inbox and one transaction for all that wait. */
  const releaseWaiting = async (): Promise<void> => {
    while (toRelease.length > 0) {
      const ids = toRelease.splice(0, MOST_AT_ONCE)
      try {
        await releases.release(ids, deps.signal)
      } catch (error) {
        // They are taken over and receipted; the release is repeated at the next start.
        deps.logger.log('error', 'received files could not be released yet', { deliveries: ids.join(', '), problem: asAppError(error).message })
      }
    }
    releasing = null
  }

  return {
    async process(id) {
      const entry = entryOf(id)
      const route = routeOf(entry)
      const { keys, unfit } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
      const envelope = readEnvelope(entry.headers)
      if (envelope.messageId?.valid !== true) {
        refused(entry, route, keys, envelope, { disposition: { kind: 'error', modifier: 'invalid-message-id' }, reason: 'message-id', detail: 'there is no Message-ID that can be used', authenticated: false, facts: [] })
        await database.flushed()
        return entryOf(id)
      }
      const { outcome, held } = await open(entry, route, keys)
      let accepted: readonly string[] = []
      noteAddress(entry, envelope, route)
      const facts = factsOf(outcome, keys, clock.now())
      const objection = outcome.ok ? refusalOf(route, facts) : null
      if (!outcome.ok) {
        const { disposition, reason, detail, senderAuthenticated } = outcome
        refused(entry, route, keys, envelope, { disposition: { kind: 'error', modifier: disposition }, reason, detail, authenticated: senderAuthenticated, facts })
        noteRefusal(route, reason, detail, unfit)
      } else if (objection !== null) {
        await held.drop()
        // The partner is proved and may know why (RFC 4130 §7.4.3).
        refused(entry, route, keys, envelope, { disposition: { kind: 'error', modifier: 'insufficient-message-security' }, reason: 'policy', detail: objection.message, authenticated: true, facts })
      } else {
        accepted = taken(entry, route, keys, outcome, facts, await held.keep())
      }
      await database.flushed()
      // Not before: of a delivery that dies unwritten with the process, a hidden file would stay in the Inbox for ever.
      toRelease.push(...accepted)
      // With nothing to release it would have ended before it counts as begun, and be taken for running ever after.
      if (toRelease.length > 0) releasing ??= releaseWaiting()
      const concluded = entryOf(id)
      if (concluded.mdn?.mode === 'async') deps.onReceiptQueued()
      return concluded
    },

    async refuse(id, disposition, reason) {
      const entry = entryOf(id)
      const route = routeOf(entry)
      const { keys } = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
      refused(entry, route, keys, readEnvelope(entry.headers), { disposition, reason, detail: entry.detail ?? '', authenticated: false, facts: [] })
      await database.flushed()
      return entryOf(id)
    },

    receiptQueued: () => deps.onReceiptQueued(),
    settled: async () => await (releasing ?? Promise.resolve()),
  }
}

/** What the message layer refuses by itself, in the policy's words. */
const RULE_OF_REASON: Readonly<Record<string, string>> = { 'signature-required': 'receive-signed', 'encryption-required': 'receive-encrypted', 'algorithm-refused': 'as2.algorithm_refused' }

const flat = (facts: Facts): Record<string, string> => Object.fromEntries(facts.map(({ label, value }) => [label, value]))

function factsOf(outcome: OpenOutcome, keys: As2Keys, now: number): Facts {
  const { observed, warnings } = outcome
  const signer = keys.verify.find(({ certificate }) => certificate.fingerprintSha256 === observed.signedBy)?.certificate
  const recipient = keys.decrypt.find(({ certificate }) => certificate.fingerprintSha256 === observed.decryptedBy)?.certificate
  const fact = (label: string, value: string | undefined): Facts => (value === undefined ? [] : [{ label, value }])
  return [
    ...fact('encrypted', observed.encrypted ? (observed.cipher ?? 'yes') : 'no'),
    ...fact('keyTransport', observed.keyTransport),
    ...fact('decryptedBy', observed.decryptedBy === undefined ? undefined : `sha256:${observed.decryptedBy}`),
    ...fact('signed', observed.signed ? [observed.digest, observed.signatureScheme].filter((part) => part !== undefined).join(', ') || 'yes' : 'no'),
    ...fact('signedBy', observed.signedBy === undefined ? undefined : `sha256:${observed.signedBy}`),
    ...fact('signerKey', signer !== undefined ? keyText(signer) : observed.signerKeyBits !== undefined && observed.signatureScheme !== 'ecdsa' ? `RSA ${observed.signerKeyBits}` : undefined),
    ...fact('signerExpired', signer !== undefined && signer.notAfter.getTime() < now ? signer.notAfter.toISOString() : undefined),
    ...fact('recipientKey', recipient === undefined ? undefined : keyText(recipient)),
    ...fact('compressed', observed.compressed ? 'zlib' : undefined),
    ...fact('peculiarities', warnings.length === 0 ? undefined : warnings.join(', ')),
  ]
}

/** Whether the address that a message asks for is the one that was agreed. */
export function sameAddress(asked: string, agreed: string): boolean {
  const [left, right] = [URL.parse(asked.replaceAll(/^<|>$/g, '')), URL.parse(agreed)]
  return left !== null && right !== null && left.href === right.href
}
