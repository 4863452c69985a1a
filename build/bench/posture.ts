/**
 * Posture over a seeded company: 200 partners, 50,000 deliveries. Full evaluation below 2 s, after a delivery below 50 ms.
 * node build/bench/posture.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDeliveryRepository } from '../../shared/core/deliveries/repository.ts'
import { createRetention } from '../../shared/core/deliveries/retention.ts'
import { createTraffic } from '../../shared/core/deliveries/traffic.ts'
import { timestamp } from '../../shared/core/kernel/clock.ts'
import { createCollector } from '../../shared/core/posture/collect.ts'
import { createPostureRepository } from '../../shared/core/posture/repository.ts'
import { RULES } from '../../shared/core/posture/rules/index.ts'
import { as2, item, NOW, partner, sftp, world } from '../../shared/core/posture/rules/test-world.ts'
import { createPostureService } from '../../shared/core/posture/service.ts'
import { openDatabase } from '../../shared/core/store/database.ts'

const PARTNERS = 200
const DELIVERIES = 50_000
const HOUR_MS = 3_600_000

const folder = mkdtempSync(join(tmpdir(), 'waybill-bench-'))
try {
  const database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
  const deliveries = createDeliveryRepository(database)
  const ids = Array.from({ length: PARTNERS }, (_, index) => `p${index}`)
  let serial = 0
  const deliver = (id: string, at: string): void => {
    const n = ++serial
    const name = `dlv_${String(n).padStart(8, '0')}`
    deliveries.insert({ id: name, partner: id, connection: 'sftp', direction: 'outbound', fileName: name, remoteName: name, source: '', size: 1, sha256: n.toString(16).padStart(64, '0'), duplicateReason: null, trace: 't', at })
    deliveries.startAttempt({ id: `att_${n}`, delivery: name, number: 1, at })
    deliveries.updateAttempt(`att_${n}`, { observed: { kex: 'curve25519-sha256', cipher: 'aes256-gcm@openssh.com', mac: 'implicit', hostKeySignature: 'ssh-ed25519', hostKeyFingerprint: `SHA256:${id}`, serverSoftware: 'SSH-2.0-OpenSSH_9.2', authUsed: 'publickey' } })
    deliveries.endAttempt(name, 'delivered', at, null)
    deliveries.update(name, { state: n % 50 === 0 ? 'failed' : 'delivered', at })
  }
  database.transaction(() => {
    for (let n = 0; n < DELIVERIES; n++) deliver(ids[n % PARTNERS] ?? 'p0', timestamp(NOW - (DELIVERIES - n) * (HOUR_MS / 20)))
  })

  const facts = world({
    partners: ids.map((id) => partner([sftp(), as2()], { id, name: id })),
    items: ids.flatMap((id) => (['verify', 'encrypt', 'ssh-host', 'ssh-client'] as const).map((role) => item(role.startsWith('ssh') ? (role as 'ssh-host') : 'x509', [role], {}, { partner: id }))),
  })
  const clock = { now: () => NOW + serial, sleep: async () => await Promise.resolve() }
  const retention = createRetention({ database, payloads: { has: async () => await Promise.resolve(true) }, clock })
  const repository = createPostureRepository(database)
  const collector = createCollector({
    sources: { station: () => facts.station, partners: () => facts.partners, items: () => facts.items, insights: { entries: () => [], findings: () => [] }, traffic: createTraffic(database), refusals: () => [], flows: () => [], secrets: () => [], audit: () => facts.audit, platform: async () => await Promise.resolve(facts.platform), keeping: async () => await Promise.resolve(facts.keeping), tests: () => [], retention: async () => await retention(ids.map((id) => ({ partner: id, days: 90 }))), approval: () => facts.approval, notices: () => facts.notices, expectations: () => [] },
    repository, database, clock,
  })
  const service = createPostureService({ rules: RULES, collector, repository, database, clock, publisher: { publish: () => undefined }, audit: { record: () => undefined }, raise: () => undefined, approval: { facts: () => facts.approval, approve: () => ({ at: timestamp(NOW), sha256: '' }) } })

  const timed = async (name: string, action: () => unknown): Promise<void> => {
    const from = performance.now()
    await action()
    process.stdout.write(`${name}: ${(performance.now() - from).toFixed(0)} ms\n`)
  }
  await timed('first evaluation, reads the whole ledger', async () => await service.evaluateAll('asked'))
  for (let round = 1; round <= 3; round++) await timed(`full evaluation ${round}`, async () => await service.evaluateAll('asked'))
  for (let round = 1; round <= 5; round++) {
    deliver('p7', timestamp(clock.now()))
    await timed(`after a delivery ${round}`, () => service.evaluateAfterDelivery('p7'))
  }
  process.stdout.write(`${service.list({ limit: 1 }).total} findings open\n`)
  database.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
