import type { AuditVerdict } from '../../contract/audit.ts'
import { actorText, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { AuditRepository } from './repository.ts'
import { walkChain } from './rules.ts'

/** What a domain says when it records something. */
export interface Recorded {
  readonly actor: Actor
  readonly type: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly partner?: string | null
  readonly trace?: string | null
  readonly data?: Readonly<Record<string, unknown>>
}

/** Writes the audit trail. Call it inside the transaction of the change itself. */
export interface AuditTrail {
  record(event: Recorded): void
}

export function createAuditTrail(repository: AuditRepository, clock: Clock): AuditTrail {
  return {
    record({ actor, type, subject, partner = null, trace = null, data = {} }) {
      repository.append({ at: timestamp(clock.now()), actor: actorText(actor), trace, type, subject, partner, data })
    },
  }
}

/** Walks the whole chain and names the first bad record. */
export function verifyChain(repository: AuditRepository, clock: Clock): AuditVerdict {
  const walk = walkChain((hash) => repository.seqOfHash(hash))
  const verdict = (firstBad: AuditVerdict['firstBad']): AuditVerdict => ({
    ok: firstBad === null,
    checked: walk.checked,
    head: walk.head,
    at: timestamp(clock.now()),
    firstBad,
  })
  for (const event of repository.inOrder()) {
    const bad = walk.next(event)
    if (bad !== null) return verdict(bad)
  }
  const head = repository.head()
  if (head.seq > walk.checked)
    return verdict({ seq: walk.checked + 1, problem: 'removed', explanation: `the chain once had ${head.seq} records; the last ${head.seq - walk.checked} are gone` })
  if (head.hash !== walk.head)
    return verdict({ seq: walk.checked, problem: 'changed', explanation: 'the noted head of the chain is another one' })
  return verdict(null)
}
