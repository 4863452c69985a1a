/** How trust ends: a binding, an item, everything at once. Nothing in use disappears without saying what it stops. */
import type { TrustItem } from '../../contract/trust.ts'
import type { Consequence } from '../../contract/trust-insights.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { Insights } from './insights.ts'
import type { Inventory } from './inventory.ts'
import type { TrustRepository } from './repository.ts'
import { isPending } from './rules.ts'

export function createEndings({ database, repository, secrets, audit, clock, inventory, insights }: { readonly database: Database; readonly repository: TrustRepository; readonly secrets: SealedSecrets; readonly audit: AuditTrail; readonly clock: Clock; readonly inventory: Inventory; readonly insights: Insights }) {
  const { announce, endBinding } = inventory

  /** The list of what would break is the one that `whatIf` gives. */
  const refuseWhileBound = (item: TrustItem): void => {
    const users = item.bindings.filter((binding) => isPending(binding, clock.now()))
    if (users.length === 0) return
    const broken = insights.ifGone(item).map(({ partner, connection, role, severity, message }) => `${partner}/${connection} as ${role}: ${severity === 'breaks' ? message : `${severity}, ${message}`}`)
    const idle = users.filter((binding) => broken.every((text) => !text.includes(` as ${binding.role}:`))).map((binding) => `${binding.partner ?? 'station'}/${binding.connection ?? '*'} as ${binding.role} (nothing relies on it now)`)
    throw new AppError('input.in_use', `${item.label} is bound ${users.length} time(s)`, {
      details: Object.fromEntries([...broken, ...idle].map((text, index) => [`used by ${index + 1}`, text])),
    })
  }

  return {
    unbind(binding: string, actor: Actor): TrustItem {
      const found = repository.findBinding(binding)
      if (found === null) throw new AppError('input.not_found', `there is no binding ${binding}`)
      database.transaction(() => endBinding(found, actor, 'unbound by the operator'))
      return announce(repository.get(found.item).item)
    },

    retire(id: string, reason: string | undefined, actor: Actor): TrustItem {
      const { item } = repository.get(id)
      refuseWhileBound(item)
      database.transaction(() => {
        repository.setState(id, 'retired')
        audit.record({ actor, type: 'trust.retired', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, ...(reason === undefined ? {} : { reason }) } })
      })
      return announce(repository.get(id).item)
    },

    /** Only what was never used: everything else stays explainable. */
    remove(id: string, reason: string | undefined, actor: Actor): void {
      const { item, secret } = repository.get(id)
      refuseWhileBound(item)
      if (item.bindings.length > 0) throw new AppError('input.conflict', `${item.label} was in use; what was exchanged with it must stay explainable. Retire it instead`)
      database.transaction(() => {
        repository.remove(id)
        if (secret !== null) secrets.delete(secret)
        audit.record({ actor, type: 'trust.removed', subject: { kind: 'trust', id }, data: { label: item.label, kind: item.kind, fingerprint: item.fingerprint, ...(reason === undefined ? {} : { reason }) } })
      })
      announce(item)
    },

    /** Everything ends at once. Answers what that stops. */
    revoke(id: string, reason: string, actor: Actor): { item: TrustItem; consequences: Consequence[] } {
      const { item } = repository.get(id)
      const consequences = insights.ifGone(item)
      database.transaction(() => {
        for (const binding of item.bindings) if (isPending(binding, clock.now())) endBinding(binding, actor, `revoked: ${reason}`)
        repository.setState(id, 'retired')
        audit.record({ actor, type: 'trust.revoked', subject: { kind: 'trust', id }, data: { fingerprint: item.fingerprint, reason, stops: consequences.filter(({ severity }) => severity === 'breaks').map(({ partner, connection, role }) => `${partner}/${connection} ${role}`) } })
      })
      return { item: announce(repository.get(id).item), consequences }
    },

    /** Ends every binding of a partner that is removed. Call it inside a transaction. */
    releasePartner(partner: string, actor: Actor): void {
      for (const item of repository.itemsOfPartner(partner))
        for (const binding of item.bindings) if (binding.partner === partner && isPending(binding, clock.now())) endBinding(binding, actor, 'the partner was removed')
    },
  }
}
