import type { Database } from '../store/database.ts'
import { createInboundRepository } from './inbound-repository.ts'
import { createSentRepository } from './sent-repository.ts'

export type { BuiltRecord, Facts, InboundConclusion, InboundRecord, InboundState, ReceiptFacts, ReceiptRecord, StoredMdn } from './records.ts'

export type MessageRepository = ReturnType<typeof createMessageRepository>

/** The tables of this domain. */
export function createMessageRepository(database: Database) {
  return { ...createSentRepository(database), ...createInboundRepository(database) }
}
