/** Everyone's policy and that of a partner: read, completed, changed. */
import type { PartnerDocument } from '../../contract/partner-document.ts'
import { PolicyChange, type Policy } from '../../contract/policy-document.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Publisher } from '../kernel/events.ts'
import { parseDocument } from '../partners/rules.ts'
import type { Database } from '../store/database.ts'
import { effectivePolicy } from './effective.ts'
import type { PolicyRepository } from './repository.ts'

export type PolicyDocuments = ReturnType<typeof createPolicyDocuments>

export function createPolicyDocuments(deps: { readonly database: Database; readonly repository: PolicyRepository; readonly audit: AuditTrail; readonly publisher: Publisher }) {
  const { database, repository, audit, publisher } = deps
  let kept: { readonly text: string; readonly change: PolicyChange; readonly complete: Policy } | null = null

  const read = (): NonNullable<typeof kept> => {
    const text = repository.defaults() ?? '{}'
    if (kept?.text === text) return kept
    const change = PolicyChange.parse(JSON.parse(text))
    kept = { text, change, complete: effectivePolicy(change) }
    return kept
  }

  return {
    /** What differs for everyone from what Waybill starts with. */
    change: (): PolicyChange => read().change,
    everyone: (): Policy => read().complete,
    of: ({ policy }: Pick<PartnerDocument, 'policy'>): Policy => (policy === undefined ? read().complete : effectivePolicy(read().change, policy)),

    /** Rejects with `input.invalid`, naming each field. The same document twice changes nothing. */
    apply(document: unknown, actor: Actor): { changed: boolean } {
      const { $schema: _, ...change } = parseDocument(PolicyChange, document)
      const text = JSON.stringify(change)
      if (text === JSON.stringify(read().change)) return { changed: false }
      database.transaction(() => {
        repository.setDefaults(text)
        audit.record({ actor, type: 'policy.changed', subject: { kind: 'policy', id: 'everyone' }, data: { document: change } })
      })
      publisher.publish('policy.changed', { hardened: repository.hardened() })
      return { changed: true }
    },
  }
}
