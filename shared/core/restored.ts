/** What the domains say of a database that came out of a backup. */
import { createAuditRepository } from './audit/repository.ts'
import { createAuditTrail, verifyChain } from './audit/service.ts'
import type { Actor } from './kernel/actor.ts'
import { timestamp, type Clock } from './kernel/clock.ts'
import { createPartnerRepository } from './partners/repository.ts'
import type { Inspection } from './safekeeping/restore.ts'

export function inspectionBy(actor: Actor, clock: Clock): Inspection {
  return {
    chain(database) {
      const { ok, checked, head, firstBad } = verifyChain(createAuditRepository(database), clock)
      return { ok, checked, head, problem: firstBad?.explanation ?? null }
    },
    stopAll(database, backupOf) {
      const partners = createPartnerRepository(database)
      const running = partners.all().filter(({ suspended }) => !suspended)
      const at = timestamp(clock.now())
      database.transaction(() => {
        for (const { id } of running) partners.setSuspended(id, true, at)
        createAuditTrail(createAuditRepository(database), clock).record({ actor, type: 'backup.restored', subject: { kind: 'backup', id: 'workspace' }, data: { from: backupOf, suspended: running.map(({ id }) => id) } })
      })
      return running.length
    },
  }
}
