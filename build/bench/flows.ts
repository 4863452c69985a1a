/**
 * A workspace of many years: 10,000 flows and 1,000,000 deliveries with their attempts, runs, due times and audit. Start-up below 3 s, a
 * tick of the scheduler below 50 ms, pages of lists below 100 ms.
 * node build/bench/flows.ts [--flows 10000] [--deliveries 1000000] [--keep FOLDER]
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createCore } from '../../shared/core/compose.ts'
import { createFlowRepository } from '../../shared/core/flows/repository.ts'
import { createScheduler } from '../../shared/core/flows/scheduler.ts'
import { FlowDocument } from '../../shared/contract/flow-document.ts'
import { PartnerDocument } from '../../shared/contract/partner-document.ts'
import { systemActor } from '../../shared/core/kernel/actor.ts'
import { systemClock, timestamp } from '../../shared/core/kernel/clock.ts'
import type { Database } from '../../shared/core/store/database.ts'
import { nextDue } from '../../shared/core/schedules/rules.ts'
import { memoryKeychain } from '../../shared/core/workspace/keychain.ts'
import { createWorkspace, openWorkspace } from '../../shared/core/workspace/open-workspace.ts'

const { values } = parseArgs({ options: { flows: { type: 'string', default: '10000' }, deliveries: { type: 'string', default: '1000000' }, keep: { type: 'string' } } })
const FLOWS = Number(values.flows)
const DELIVERIES = Number(values.deliveries)
const PARTNERS = 500
const PASSPHRASE = 'correct horse battery'
const keychain = memoryKeychain({ available: false })
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'waybill-bench-'))
const failed: string[] = []

const report = (name: string, times: readonly number[], limit: number): void => {
  const sorted = times.toSorted((left, right) => left - right)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  if (median > limit) failed.push(name)
  process.stdout.write(`${median > limit ? '✕' : '✓'} ${name}: ${median.toFixed(1)} ms (worst ${(sorted.at(-1) ?? 0).toFixed(1)}, aim ${limit})\n`)
}

async function timed(name: string, limit: number, action: () => unknown, rounds = 5): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const from = performance.now()
    await action()
    times.push(performance.now() - from)
  }
  report(name, times, limit)
}

/** Straight into the tables: what is measured is reading. */
function seed(database: Database): void {
  const now = Date.now()
  const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC']
  database.transaction(() => {
    for (let index = 0; index < PARTNERS; index++) {
      const document = PartnerDocument.parse({ id: `p${index}`, name: `Partner ${index}`, connections: [{ id: 'sftp', protocol: 'sftp', host: `p${index}.example`, username: 'us', auth: { method: 'password', password: { sealed: true } } }] })
      database.prepare('INSERT INTO partners (id, name, document, practice, created_at, updated_at) VALUES (?, ?, ?, 0, ?, ?)').run(document.id, document.name, JSON.stringify(document), timestamp(now), timestamp(now))
    }
    const repository = createFlowRepository(database)
    for (let index = 0; index < FLOWS; index++) {
      const schedule = { kind: 'every' as const, minutes: 5 + (index % 55), zone: zones[index % zones.length] ?? 'UTC' }
      const trigger = index % 20 === 0 ? { kind: 'watch' } : { kind: 'schedule', schedule }
      const document = FlowDocument.parse({ direction: 'outbound', id: `f${index}`, name: `Flow ${index}`, source: { kind: 'folder', folder: join(folder, 'outbox', String(index)) }, targets: [`p${index % PARTNERS}`], trigger })
      const next = document.trigger.kind === 'schedule' ? (nextDue(document.trigger.schedule, now + 600_000, 1)[0] ?? null) : null
      repository.save(document, { at: timestamp(now), holidays: [], accountedUntil: now, nextDueAt: next })
    }
    const many = (sql: string, count: number): void => void database.prepare(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) ${sql}`).run()
    const at = `strftime('%Y-%m-%dT%H:%M:%fZ', ${Math.floor(now / 1000)} - (${DELIVERIES} - i) * 60, 'unixepoch')`
    const id = "printf('dlv_%012d', i)"
    many(
      `INSERT INTO deliveries (id, partner, connection, direction, file_name, remote_name, source, size, sha256, state, attempts, trace, error, created_at, updated_at)
       SELECT ${id}, 'p' || (i % ${PARTNERS}), 'sftp', CASE i % 3 WHEN 0 THEN 'inbound' ELSE 'outbound' END, printf('ORDERS_%09d.edi', i), printf('ORDERS_%09d.edi', i), '/out', 1000 + i % 9000, printf('%064x', i),
         CASE WHEN i % 5000 = 1 THEN 'failed' WHEN i % 20000 = 2 THEN 'waiting' WHEN i % 50000 = 4 THEN 'unknown' ELSE 'delivered' END, 1, printf('run_%010d', i / 5), CASE WHEN i % 20000 = 2 THEN '{"code":"net.refused","message":""}' END, ${at}, ${at} FROM n`,
      DELIVERIES,
    )
    database.prepare("UPDATE deliveries SET next_try_at = ? WHERE state IN ('waiting', 'unknown')").run(timestamp(now + 3_600_000))
    many(`INSERT INTO attempts (id, delivery, number, started_at, ended_at, result, observed) SELECT printf('att_%012d', i), ${id}, 1, ${at}, ${at}, 'delivered', '{"cipher":"aes256-gcm@openssh.com"}' FROM n`, DELIVERIES)
    many(`INSERT INTO audit_events (seq, at, actor, trace, type, subject_kind, subject_id, data, prev_hash, hash, partner) SELECT 1000 + i, ${at}, 'system:waybill', printf('run_%010d', i / 5), CASE i % 2 WHEN 0 THEN 'delivery.created' ELSE 'delivery.delivered' END, 'delivery', ${id}, '{"state":"delivered"}', printf('%064x', i), printf('%064x', i + 1), 'p' || (i % ${PARTNERS}) FROM n`, DELIVERIES)
    const runs = Math.floor(DELIVERIES / 5)
    many(`INSERT INTO flow_runs (id, flow, trigger, due_at, started_at, ended_at, outcome) SELECT printf('run_%010d', i), 'f' || (i % ${FLOWS}), 'schedule', ${now} - (${runs} - i) * 300000, ${at}, ${at}, CASE WHEN i % 10000 = 3 THEN 'attention' ELSE 'delivered' END FROM n`, runs)
    many(`INSERT INTO flow_due (flow, at, status, run, recorded_at) SELECT 'f' || (i % ${FLOWS}), ${now} - (${runs} - i) * 300000, CASE i % 7 WHEN 0 THEN 'asleep' ELSE 'ran' END, printf('run_%010d', i), ${at} FROM n`, runs)
    many(`INSERT INTO flow_files (delivery, flow, run, target, path, name, size, modified, duplicate_key, afterwards, created_at) SELECT ${id}, 'f' || ((i / 5) % ${FLOWS}), printf('run_%010d', i / 5), 'p' || (i % ${PARTNERS}), '/out/' || i, printf('ORDERS_%09d.edi', i), 1000, 1, printf('%064x', i), 'moved', ${at} FROM n`, DELIVERIES)
  })
}

try {
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'workspace.json'))) {
    const made = await createWorkspace({ folder, keychain, clock: systemClock, passphrase: PASSPHRASE, useKeychain: false })
    const from = performance.now()
    seed(made.database)
    process.stdout.write(`seeded ${FLOWS} flows and ${DELIVERIES} deliveries in ${((performance.now() - from) / 1000).toFixed(0)} s\n`)
    await made.close()
  }
  const start = async () => {
    const core = createCore({ folder, version: 'bench', keychain, clock: systemClock, random: Math.random, logger: { log: (level, message, data) => void (level === 'error' && process.stdout.write(`${message} ${JSON.stringify(data)}\n`)) }, resolveFile: () => ({ path: '', name: '' }), practice: { start: () => Promise.reject(new Error('none')), stop: async () => await Promise.resolve() } as never, selfTests: [], mode: 'on-demand' })
    await core.open(PASSPHRASE)
    return core
  }
  const starts: number[] = []
  for (let round = 0; round < 3; round++) {
    const from = performance.now()
    const core = await start()
    starts.push(performance.now() - from)
    await core.close()
  }
  report('start-up, key derivation included', starts, 3000)

  const core = await start()
  const signal = new AbortController().signal
  const context = { actor: systemActor, signal }
  const { deliveries, flows, audit, partners, background } = core.handlers
  await timed('deliveries, newest page', 100, async () => await deliveries.list({ limit: 100 }, context))
  await timed('deliveries, a page in the middle', 100, async () => await deliveries.list({ limit: 100, before: `dlv_${String(Math.floor(DELIVERIES / 2)).padStart(12, '0')}` }, context))
  await timed('deliveries that need a look', 100, async () => await deliveries.list({ limit: 100, state: ['failed', 'unknown', 'disputed', 'held'] }, context))
  await timed('deliveries that arrived', 100, async () => await deliveries.list({ limit: 100, state: ['delivered'] }, context))
  await timed('deliveries of a partner', 100, async () => await deliveries.list({ limit: 100, partner: 'p7' }, context))
  await timed('deliveries received', 100, async () => await deliveries.list({ limit: 100, direction: 'inbound' }, context))
  await timed('deliveries of the last day', 100, async () => await deliveries.list({ limit: 100, since: timestamp(Date.now() - 86_400_000) }, context))
  await timed('deliveries, search in names', 100, async () => await deliveries.list({ limit: 100, search: '_000777' }, context))
  await timed('deliveries, search that finds nothing', 100, async () => await deliveries.list({ limit: 100, search: 'nothing like it' }, context))
  await timed('deliveries, counts of the overview', 100, async () => await deliveries.counts({}, context))
  await timed('one delivery', 100, async () => await deliveries.show({ id: `dlv_${String(Math.floor(DELIVERIES / 2)).padStart(12, '0')}` }, context))
  await timed('flows, a page', 100, async () => await flows.list({ limit: 100 }, context))
  await timed('flows, search', 100, async () => await flows.list({ limit: 100, search: 'flow 77' }, context))
  await timed('one flow with its runs and due times', 100, async () => await flows.show({ id: 'f77' }, context))
  await timed('runs, newest page', 100, async () => await flows.runs({ limit: 100 }, context))
  await timed('due times, newest page', 100, async () => await flows.due({ limit: 100 }, context))
  await timed('due times of a flow that were slept through', 100, async () => await flows.due({ limit: 100, flow: 'f77', status: ['asleep'] }, context))
  await timed('overview for the tray', 100, async () => [await flows.overview({}, context), await background.status({}, context)])
  await timed('partners, a page', 100, async () => await partners.list({ limit: 100 }, context))
  await timed('audit, newest page', 100, async () => await audit.list({ limit: 100 }, context))
  await timed('audit of a partner', 100, async () => await audit.list({ limit: 100, partner: 'p7' }, context))
  await core.close()

  const workspace = await openWorkspace({ folder, keychain, clock: systemClock, remember: 'no', passphrase: PASSPHRASE })
  const { database } = workspace
  const repository = createFlowRepository(database)
  const offset = { ms: 0 }
  const clock = { now: () => Date.now() + offset.ms, sleep: async () => await Promise.resolve() }
  let begun = 0
  const runner = { begin: () => `run_bench_${String(++begun)}`, execute: async () => await Promise.resolve({}), settle: async () => await Promise.resolve(), show: () => ({}), onEnded: () => undefined, forgetOld: async () => await Promise.resolve(), recover: () => 0, stop: async () => await Promise.resolve() }
  const scheduler = createScheduler({
    database, repository, runner: runner as never, clock, audit: { record: () => undefined }, publisher: { publish: () => undefined }, logger: { log: () => undefined },
    choice: { files: {} as never, folders: { look: async () => await Promise.resolve({ complete: [], changing: [], passedOver: [] }) }, deliveryOf: () => null, digest: async () => await Promise.resolve(''), inboxOf: () => folder, clock },
    isSuspended: () => false, isOffline: () => false, onClockBack: () => undefined, elapsed: () => performance.now() + offset.ms,
  })
  await timed('tick, nothing due', 50, async () => await scheduler.tick(), 9)
  // The first ones work off 500 that are due at once; what counts is for how long nothing else gets its turn.
  const gaps: number[] = []
  const wholes: number[] = []
  for (let round = 0; round < 9; round++) {
    offset.ms += round === 0 ? 600_000 : 10_000
    const from = performance.now()
    let last = from
    let longest = 0
    let done = false
    const beat = (): void => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
      if (!done) setImmediate(beat)
    }
    setImmediate(beat)
    await scheduler.tick()
    done = true
    gaps.push(Math.max(longest, performance.now() - last))
    wholes.push(performance.now() - from)
  }
  report('tick with hundreds of flows due, the longest hold', gaps, 50)
  process.stdout.write(`  the whole tick: ${wholes.map((ms) => ms.toFixed(0)).join(', ')} ms\n`)
  await workspace.close()
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true })
}
if (failed.length > 0) {
  process.stdout.write(`\nshort of the aim: ${failed.join(', ')}\n`)
  process.exitCode = 1
}
