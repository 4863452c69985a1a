/** What others may know of the chain without reading it. */
import type { AuditRepository } from './repository.ts'

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
