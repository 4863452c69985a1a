import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Attempt, Delivery } from '../../contract/deliveries.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp } from '../kernel/clock.ts'
import { createEventBus } from '../kernel/events.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createDeliveryRepository } from '../deliveries/repository.ts'
import { createTraffic } from '../deliveries/traffic.ts'
import { createCollector } from './collect.ts'
import { DAY_MS } from './days.ts'
import { exportOf } from './export.ts'
import type { PostureFacts } from './facts.ts'
import { createPostureRepository } from './repository.ts'
import { RULES } from './rules/index.ts'
import { createPostureService, type PostureService } from './service.ts'
import { KEYS, NOW, partner, PLATFORM, sftp, world } from './rules/test-world.ts'
import { createPostureWatch } from './watch.ts'

const person: Actor = { kind: 'cli', name: 'tester' }

describe('the posture over time', () => {
  let folder: string
  let database: Database
  let service: PostureService
  let now = NOW
  let facts: PostureFacts
  let notices: string[]
  let approved: PostureFacts['approval']['approved'] = null
  let audited: string[]
  const bus = createEventBus()
  const clock = { now: () => now, sleep: async () => await Promise.resolve() }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-posture-'))
    database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
    now = NOW
    facts = world({ partners: [partner([sftp()])] })
    notices = []
    approved = null
    audited = []
    const repository = createPostureRepository(database)
    const collector = createCollector({
      sources: {
        station: () => facts.station, partners: () => facts.partners, items: () => facts.items, insights: { entries: () => [...facts.expiry], findings: () => [...facts.trust] },
        traffic: createTraffic(database),
        refusals: () => [],
        flows: () => facts.flows, secrets: () => facts.secrets, audit: () => facts.audit, platform: async () => await Promise.resolve(facts.platform),
        keeping: async () => await Promise.resolve(facts.keeping), tests: () => facts.tests, retention: async () => await Promise.resolve(facts.retention), approval: () => facts.approval, notices: () => facts.notices, expectations: () => facts.expectations,
      },
      repository, database, clock,
    })
    service = createPostureService({ rules: RULES, collector, repository, database, clock, publisher: bus, audit: { record: ({ type }) => void audited.push(type) }, raise: ({ title }) => void notices.push(title), approval: { facts: () => ({ ...facts.approval, approved }), approve: ({ by, reason }) => { approved = { at: timestamp(now), by, reason }; return { at: timestamp(now), sha256: 'a' } } } })
  })
  afterEach(() => {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const evaluate = async (): Promise<string[]> => {
    await service.evaluateAll('asked')
    return service.select({}).map(({ code, state }) => `${code} ${state}`)
  }
  const change = (next: Partial<PostureFacts>): void => void (facts = { ...facts, ...next })
  const readable = { ...PLATFORM, folderMode: 0o755 }

  let serial = 0
  /** A delivery with one attempt, as the engine leaves it. */
  const delivered = (observed: Record<string, string>, state: Delivery['state'] = 'delivered', error: Attempt['error'] = null): string => {
    const deliveries = createDeliveryRepository(database)
    const id = `dlv_${String(++serial).padStart(6, '0')}`
    const at = timestamp(now)
    deliveries.insert({ id, partner: 'acme', connection: 'sftp', direction: 'outbound', fileName: id, remoteName: id, source: '', size: 1, sha256: serial.toString(16).padStart(64, '0'), duplicateReason: null, trace: 't', at })
    deliveries.startAttempt({ id: `att_${serial}`, delivery: id, number: 1, at })
    deliveries.updateAttempt(`att_${serial}`, { observed })
    deliveries.endAttempt(id, state === 'delivered' ? 'delivered' : 'failed', at, error)
    deliveries.update(id, { state, at, error })
    return id
  }

  it('opens, keeps its first day, resolves, and reappears with a word', async () => {
    expect(await evaluate()).toEqual([])
    change({ platform: readable })
    expect(await evaluate()).toEqual(['workspace_readable open'])
    expect(notices).toEqual(['Others can read the workspace folder'])
    now += DAY_MS
    expect(await evaluate()).toEqual(['workspace_readable open'])
    expect(service.select({})[0]).toMatchObject({ firstSeen: timestamp(NOW), lastSeen: timestamp(now) })
    change({ platform: PLATFORM })
    expect(await evaluate()).toEqual([])
    expect(service.select({ state: ['resolved'] })[0]).toMatchObject({ code: 'workspace_readable', resolvedAt: timestamp(now) })
    change({ platform: readable })
    expect(await evaluate()).toEqual(['workspace_readable reappeared'])
    expect(notices.at(-1)).toBe('Others can read the workspace folder, again')
    expect(service.history({ limit: 10 }).snapshots.map(({ appeared, resolved }) => [appeared.length, resolved.length])).toEqual([[1, 0], [0, 1], [1, 0], [0, 0]])
    expect(audited.filter((type) => type === 'posture.changed')).toHaveLength(3)
  })

  it('says nothing of what stands when it looks for the first time', async () => {
    change({ platform: readable })
    await evaluate()
    expect(notices).toEqual([])
  })

  it('suppresses with an end: not counted, not announced, and open again after its last day', async () => {
    change({ platform: readable })
    await evaluate()
    const target = { code: 'workspace_readable', subject: 'platform' }
    const request = { ...target, reason: 'moves next week', owner: 'Ms Ito', until: '2026-06-03' }
    expect(() => service.suppress({ ...request, until: '2026-05-31' }, person)).toThrow(expect.objectContaining({ code: 'input.invalid' }) as Error)
    expect(() => service.suppress({ ...request, until: '2028-01-01' }, person)).toThrow(expect.objectContaining({ code: 'input.invalid' }) as Error)
    expect(() => service.suppress({ ...request, subject: 'acme' }, person)).toThrow(expect.objectContaining({ code: 'input.not_found' }) as Error)
    expect(service.suppress(request, person)[0]).toMatchObject({ state: 'suppressed', suppression: { owner: 'Ms Ito', by: 'cli:tester' } })
    expect(await evaluate()).toEqual([])
    expect(service.list({ limit: 10 }).counts).toEqual({ error: 0, warning: 0, info: 0, suppressed: 1 })
    now = Date.parse('2026-06-03T23:59:00.000Z')
    expect(await evaluate()).toEqual([])
    now = Date.parse('2026-06-04T00:00:00.000Z')
    expect(await evaluate()).toEqual(['workspace_readable open'])
    expect(notices).toHaveLength(1)
    service.suppress({ ...request, until: '2026-07-01' }, person)
    expect(service.unsuppress(target.code, target.subject, person)[0]).toMatchObject({ state: 'open', suppression: null })
    expect(() => service.unsuppress(target.code, target.subject, person)).toThrow(expect.objectContaining({ code: 'input.not_found' }) as Error)
  })

  it('compares with a time and with the approved baseline', async () => {
    change({ platform: readable })
    await evaluate()
    expect(() => service.compare(undefined)).toThrow(expect.objectContaining({ code: 'input.not_found' }) as Error)
    service.approve('Ms Ito', 'after the audit', person)
    now += DAY_MS
    change({ platform: { ...PLATFORM, freeBytes: 1 } })
    await evaluate()
    const { appeared, gone, same, baseline } = service.compare(undefined)
    expect(service.compare(undefined).approved).toEqual({ by: 'Ms Ito', reason: 'after the audit' })
    expect([appeared.map(({ code }) => code), gone.map(({ code }) => code), same, baseline]).toEqual([['disk_low'], ['workspace_readable'], 0, true])
    expect(service.compare(timestamp(now)).appeared).toEqual([])
  })

  it('stands in the way of a partner whose errors are open, of nobody for how deliveries go, and of nobody while suppressed', async () => {
    const blocked = (id: string): string | null => {
      try {
        service.requireClean(id)
        return null
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    change({ partners: [partner([{ protocol: 'folder', path: '/gone' }])] })
    await evaluate()
    expect(blocked('acme')).toBeNull()
    change({ partners: [partner([sftp()])], items: KEYS.filter(({ kind }) => kind !== 'ssh-host') })
    await evaluate()
    expect([blocked('acme'), blocked('beta')]).toEqual(['posture.blocked', null])
    service.suppress({ code: 'host_key_unpinned', subject: 'acme/sftp', reason: 'moves next week', owner: 'Ms Ito', until: '2026-06-03' }, person)
    expect(blocked('acme')).toBeNull()
    change({ platform: { ...PLATFORM, failedPrimitives: ['aes'] } })
    await evaluate()
    expect([blocked('acme'), blocked('beta')]).toEqual(['posture.blocked', 'posture.blocked'])
  })

  it('notices a downgrade between two deliveries at once, with the delivery that proves it', async () => {
    now = NOW - 40 * DAY_MS
    delivered({ kex: 'curve25519-sha256', cipher: 'aes256-gcm@openssh.com', hostKeyFingerprint: 'SHA256:a' })
    now = NOW
    expect(service.evaluateAfterDelivery('acme')).toBeNull()
    await evaluate()
    const proof = delivered({ kex: 'diffie-hellman-group14-sha1', cipher: 'aes256-gcm@openssh.com', hostKeyFingerprint: 'SHA256:a' })
    expect(service.evaluateAfterDelivery('acme')?.appeared.map(({ code }) => code).toSorted()).toEqual(['observed_weak_ssh', 'silent_downgrade'])
    expect(service.select({ code: 'silent_downgrade' })[0]?.deliveries).toEqual([proof])
    expect(notices).toEqual(['The connection became weaker'])
    // Everything else stands as it stood.
    expect(service.evaluateAfterDelivery('acme')).toMatchObject({ appeared: [], resolved: [] })
  })

  it('tells of a refused identity until a delivery goes through again', async () => {
    delivered({ kex: 'curve25519-sha256', hostKeyFingerprint: 'SHA256:a' })
    await evaluate()
    now += 1000
    delivered({}, 'failed', { code: 'sftp.host_key_changed', message: '', details: { presented: 'SHA256:b' } })
    service.evaluateAfterDelivery('acme')
    expect(service.select({ code: 'identity_refused' })[0]?.evidence).toContainEqual({ label: 'Presented', value: 'SHA256:b' })
    now += 1000
    delivered({ kex: 'curve25519-sha256', hostKeyFingerprint: 'SHA256:b' })
    expect(service.evaluateAfterDelivery('acme')?.resolved.map(({ code }) => code)).toEqual(['identity_refused'])
  })

  it('watches: a change looks at everything, deliveries at their partner, and a series counts once', async () => {
    const ending = new AbortController()
    const calls: string[] = []
    let ticks = 0
    const watch = createPostureWatch({
      bus,
      logger: { log: () => undefined },
      service: { ...service, evaluateAll: async (cause) => (calls.push(cause), await service.evaluateAll(cause)), evaluateAfterDelivery: (one) => (calls.push(`delivery ${one}`), null) },
      clock: {
        now: () => now,
        async sleep(ms, signal) {
          await new Promise((resolve) => setImmediate(resolve))
          if (signal?.aborted) return
          now += ms
          ticks += 1
          if (ticks === 1) for (let i = 0; i < 5; i++) bus.publish('deliveries.changed', { partner: 'acme', state: 'delivered' } as Delivery)
          if (ticks === 1) bus.publish('deliveries.changed', { partner: 'beta', state: 'sending' } as Delivery)
          if (ticks === 4) bus.publish('trust.changed', { id: 'x' })
          if (ticks === 8) now += DAY_MS
          if (ticks === 12) ending.abort()
        },
      },
    })
    await watch.run(ending.signal)
    expect(calls).toEqual(['daily', 'delivery acme', 'change', 'daily'])
  })

  it('exports for spreadsheets without formulas, and for scanners', async () => {
    change({ partners: [partner([sftp()], { name: '=cmd()' })], items: KEYS.filter(({ kind }) => kind !== 'ssh-host') })
    await evaluate()
    const findings = service.select({})
    const about = { at: timestamp(now), version: '1' }
    expect(exportOf(findings, [], 'csv', about).text).toContain(`"'=cmd() (sftp) has no pinned host key"`)
    const rules = RULES.map((rule) => ({ ...rule, sources: [...rule.sources] }))
    const sarif = JSON.parse(exportOf(findings, rules, 'sarif', about).text) as { runs: { results: { ruleId: string; level: string }[]; tool: { driver: { rules: { id: string }[] } } }[] }
    expect(sarif.runs[0]?.results).toContainEqual(expect.objectContaining({ ruleId: 'host_key_unpinned', level: 'error' }))
    expect(sarif.runs[0]?.tool.driver.rules.map(({ id }) => id)).toContain('host_key_unpinned')
  })

  it('evaluates one at a time', async () => {
    const both = await Promise.all([service.evaluateAll('asked', systemActor), service.evaluateAll('asked', systemActor)])
    expect(both).toHaveLength(2)
    expect(service.history({ limit: 10 }).total).toBe(1)
  })
})
