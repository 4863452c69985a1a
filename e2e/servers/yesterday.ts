/** A workspace whose computer slept yesterday: what the scheduler of that time wrote, with a clock that we move. */
import { createAuditRepository } from '../../shared/core/audit/repository.ts'
import { createAuditTrail } from '../../shared/core/audit/service.ts'
import { createFlowFiles } from '../../shared/core/flows/files.ts'
import { createFlowRepository } from '../../shared/core/flows/repository.ts'
import { createFlowRunner } from '../../shared/core/flows/runner.ts'
import { createScheduler } from '../../shared/core/flows/scheduler.ts'
import { createEventBus } from '../../shared/core/kernel/events.ts'
import type { Keychain } from '../../shared/core/workspace/keychain.ts'
import { openWorkspace } from '../../shared/core/workspace/open-workspace.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

const noKeychain: Keychain = {
  available: async () => await Promise.resolve(false),
  read: async () => await Promise.resolve(null),
  write: () => Promise.reject(new Error('no keychain')),
  remove: async () => await Promise.resolve(),
}

/** Lives through yesterday morning (this computer's clock): awake at seven, asleep until half past nine, awake until noon. Nobody else may have the workspace open. */
export async function liveThroughYesterday(folder: string, passphrase: string, flow: string): Promise<void> {
  const morning = new Date(Date.now() - 24 * HOUR)
  morning.setHours(7, 0, 0, 0)
  const time = { wall: morning.getTime(), elapsed: 1_000_000 }
  const clock = { now: () => time.wall, sleep: async () => await Promise.resolve() }
  const workspace = await openWorkspace({ folder, keychain: noKeychain, clock, passphrase, remember: 'no' })
  try {
    const { database } = workspace
    const repository = createFlowRepository(database)
    const common = {
      database, repository, files: createFlowFiles(database), audit: createAuditTrail(createAuditRepository(database), clock), publisher: createEventBus(), clock,
      folders: { look: async () => await Promise.resolve({ complete: [], changing: [], passedOver: [] }) },
      logger: { log: () => undefined },
      deliveries: { send: async () => await Promise.resolve([]), retry: () => Promise.reject(new Error('nothing to retry')), wait: async () => await Promise.resolve([]), preview: async () => await Promise.resolve([]) },
      deliveryOf: () => null, digest: async () => await Promise.resolve(''), collect: () => Promise.reject(new Error('nothing to collect')), inboxOf: () => folder, contents: { remove: () => undefined, sweep: async () => await Promise.resolve(0) }, keptDays: () => 90,
    }
    const scheduler = createScheduler({ ...common, runner: createFlowRunner(common), choice: common, isSuspended: () => false, isOffline: () => false, onClockBack: () => undefined, elapsed: () => time.elapsed })
    const pass = async (ms: number, step: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += step) {
        time.wall += step
        time.elapsed += step
        await scheduler.tick()
        await new Promise((resolve) => void setImmediate(resolve))
      }
    }
    const stored = repository.get(flow)
    repository.account(flow, time.wall, scheduler.nextAfter(stored, time.wall))
    await pass(HOUR + 10 * MINUTE, 30_000)
    await pass(80 * MINUTE, 80 * MINUTE)
    await pass(150 * MINUTE, 30_000)
    await scheduler.stop()
  } finally {
    await workspace.close()
  }
}
