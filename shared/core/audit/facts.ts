/** What others may know of the chain without reading it. */
import type { AuditRepository } from './repository.ts'

/** The newest test of a connection. */
export interface TestFact {
  /** `acme/sftp`. */
  readonly place: string
  readonly at: string
  readonly ok: boolean
  /** Code of the stage that failed, or null. */
  readonly failed: string | null
  /** What was found out about the boundary, by label. */
  readonly boundary: Readonly<Record<string, string>>
}

/** Of each connection that was ever tested. */
export function testFacts(repository: AuditRepository): TestFact[] {
  return repository.newestOfEach('connection.tested', 'connection').map(({ at, subject, data }) => {
    const stages = Array.isArray(data['stages']) ? (data['stages'] as { code?: string }[]) : []
    const boundary = typeof data['boundary'] === 'object' && data['boundary'] !== null ? (data['boundary'] as Record<string, string>) : {}
    return { place: subject.id, at, ok: data['ok'] === true, failed: stages.find(({ code }) => code !== undefined)?.code ?? null, boundary }
  })
}

export interface ChainFacts {
  readonly events: number
  readonly firstAt: string | null
  readonly lastAt: string | null
  /** The newest verification that was recorded. */
  readonly verified: { readonly at: string; readonly ok: boolean } | null
}

export function chainFacts(repository: AuditRepository): ChainFacts {
  const verified = repository.newestOf('audit.verified', { kind: 'audit', id: 'chain' })
  return { events: repository.head().seq, ...repository.span(), verified: verified === null ? null : { at: verified.at, ok: verified.data['ok'] === true } }
}
