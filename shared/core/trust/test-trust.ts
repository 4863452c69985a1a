/** The trust domain over a real database in a throwaway folder, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { FlowAtTime } from './affected-flows.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createSealedSecrets } from '../store/sealed-secrets.ts'
import { createTrustRepository } from './repository.ts'
import { createTrustService, type TrustService } from './service.ts'

export const tester: Actor = { kind: 'cli', name: 'tester' }

export interface TestTrust {
  readonly trust: TrustService
  readonly database: Database
  readonly clock: Clock
  /** Exceptions by partner. */
  readonly tolerated: Map<string, readonly string[]>
  /** Partners that exist. */
  readonly documents: PartnerDocument[]
  /** Flows that exist. */
  readonly flows: FlowAtTime[]
  /** Types of the audit records so far. */
  readonly audited: readonly string[]
  setTime(iso: string): void
  close(): void
}

export function createTestTrust(start = '2026-06-01T12:00:00.000Z'): TestTrust {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-trust-'))
  const database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
  let now = Date.parse(start)
  const clock: Clock = { now: () => now, sleep: async () => await Promise.resolve() }
  const tolerated = new Map<string, readonly string[]>()
  const audited: string[] = []
  const documents: PartnerDocument[] = []
  const flows: FlowAtTime[] = []
  const trust = createTrustService({
    database,
    repository: createTrustRepository(database),
    secrets: createSealedSecrets(database, Buffer.alloc(32, 9), clock),
    audit: { record: ({ type }) => void audited.push(type) },
    publisher: { publish: () => undefined },
    clock,
    flows: () => flows,
    partners: { require: () => undefined, tolerated: (partner) => tolerated.get(partner) ?? [], all: () => documents, find: (partner) => documents.find(({ id }) => id === partner) ?? null },
  })
  return {
    trust,
    database,
    clock,
    tolerated,
    documents,
    flows,
    audited,
    setTime: (iso) => {
      now = Date.parse(iso)
    },
    close() {
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
