/** Puts the AS2 domain together: what it needs of the others in, what a host and the engine need out. */
import type { StationDocument } from '../../contract/station.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { InboundReleases } from '../deliveries/inbound/release.ts'
import type { Ledger } from '../deliveries/ledger.ts'
import type { MessageExchange } from '../deliveries/message-attempt.ts'
import { systemActor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import type { PolicyGate } from '../policy/gate.ts'
import type { MessageParty, Routes } from '../partners/routes.ts'
import type { Database } from '../store/database.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import type { Materials } from '../trust/materials.ts'
import type { CallerRules } from './callers.ts'
import { createCleanup } from './cleanup.ts'
import { createConnectionTest, type TestMessages } from './connection-test.ts'
import { createIdentities, type Identities } from './identities.ts'
import { createIncomingReceipts } from './incoming-receipts.ts'
import { createMessageEvidence, type EvidenceOfMessages } from './evidence.ts'
import { createKeyrings, type Keyrings } from './keyring.ts'
import { createLines, type Lines } from './lines.ts'
import { createOutbound } from './outbound.ts'
import { createOverlap, type OtherOfChange, type Overlap } from './overlap.ts'
import { createParties } from './parties.ts'
import { createProcessing } from './processing.ts'
import { createReceiptPost } from './receipt-post.ts'
import { createReceiver, type Receiver } from './receiver.ts'
import { createReceiving } from './receiving.ts'
import { createMessageRepository } from './repository.ts'
import { createThrottle } from './throttle.ts'
import { createMessageViews, type MessageViews } from './view.ts'

interface CommonDeps {
  readonly database: Database
  readonly payloads: PayloadStore
  readonly routes: Routes
  readonly materials: Materials
  readonly policy: PolicyGate
  readonly station: () => StationDocument | null
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** `name/version`. */
  readonly product: string
  /** The other item of a planned change, while both serve. */
  readonly otherOfChange: OtherOfChange
}

/** What the engine needs to send; the rest of the domain stands on the ledger that the engine uses. */
export interface MessageSending {
  readonly exchange: MessageExchange
  readonly keyrings: Keyrings
  readonly lines: Lines
  readonly identities: Identities
  readonly overlap: Overlap
  readonly test: TestMessages
}

export function createMessageSending(deps: CommonDeps): MessageSending {
  const keyrings = createKeyrings({ materials: deps.materials, clock: deps.clock })
  const lines = createLines({ clock: deps.clock })
  const identities = createIdentities({ station: deps.station, product: deps.product })
  const messages = createMessageRepository(deps.database)
  const overlap = createOverlap({ other: deps.otherOfChange, messages, clock: deps.clock })
  const exchange = createOutbound({ ...deps, messages, keyrings, lines, overlap, identityOf: identities.of })
  return { exchange, keyrings, lines, identities, overlap, test: createConnectionTest({ keyrings, lines, identities }) }
}

export interface MessageService {
  readonly receiver: Receiver
  readonly views: MessageViews
  readonly evidence: EvidenceOfMessages
  /** Background operation: repairs what a crash left, posts receipts, listens if that was switched on. */
  start(): void
  /** Lets what is under way end. */
  stop(): Promise<void>
}

export function createMessageService(deps: CommonDeps & MessageSending & { readonly ledger: Ledger; readonly releases: InboundReleases; readonly exports: string }): MessageService {
  const { database, routes, identities, lines, logger } = deps
  const messages = createMessageRepository(database)
  const raise = noticeRaiser(deps)
  const ending = new AbortController()
  const { signal } = ending
  const parties = createParties({ routes, identities })
  const receiptPost = createReceiptPost({ ...deps, messages, raise, signal })
  const processing = createProcessing({ ...deps, messages, raise, signal, onReceiptQueued: () => receiptPost.wake() })
  const receipts = createIncomingReceipts({ ...deps, messages, parties })
  const callerRules = ({ partner, connection }: MessageParty): CallerRules => ({
    password: () => routes.messages(partner.id, connection.id, { receiving: true }).secrets['inboundPassword'],
    certificates: () => deps.materials.callers(partner.id, connection.id),
    tolerated: () => routes.messages(partner.id, connection.id, { receiving: true }).tolerated,
    seen: (certificate) => database.transaction(() => deps.materials.noteSeenCertificate(certificate, systemActor)),
    now: deps.clock.now(),
  })
  const receiver: Receiver = createReceiver({
    ...deps,
    messages,
    receive: () => createReceiving({ ...deps, messages, parties, processing, receipts, raise, count: (what) => receiver.count(what), throttle: createThrottle(deps), callerRules, receiptPost }),
    publicAddress: () => deps.station()?.as2?.url ?? null,
    serverCertificate: (item) => deps.materials.server(item),
  })

  /** What was spooled and not worked off when the process ended. */
  const repair = async (): Promise<void> => {
    for (const { id } of messages.inState('spooled')) {
      if (signal.aborted) return
      await processing.process(id).catch((error: unknown) => logger.log('error', 'a spooled message could not be worked off', { message: id, problem: asAppError(error).message }))
    }
  }

  const cleanup = createCleanup({ ...deps, messages, signal })

  return {
    receiver,
    views: createMessageViews({ messages, ...deps }),
    evidence: createMessageEvidence({ messages, ...deps }),
    start() {
      receiptPost.start()
      cleanup.start()
      // First what came before, so that a repetition finds it decided.
      void repair()
        .catch((error: unknown) => logger.log('error', 'what a crash left could not be repaired', { problem: asAppError(error).message }))
        .then(async () => await receiver.startIfEnabled(systemActor))
    },
    async stop() {
      await receiver.close()
      await processing.settled()
      ending.abort()
      await receiptPost.settled()
      lines.close()
    },
  }
}
