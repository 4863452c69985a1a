/** What happens by itself: flows at their times, what is expected, and who is told. */
import { uptime } from 'node:os'
import { createArrivals } from '../deliveries/arrivals.ts'
import { KEPT_DAYS } from '../deliveries/retention.ts'
import { createExpectationRepository } from '../expectations/repository.ts'
import { createExpectationService } from '../expectations/service.ts'
import { createFlowFiles } from '../flows/files.ts'
import { splitTarget } from '../flows/rules.ts'
import { createFlowRunner } from '../flows/runner.ts'
import { createScheduler } from '../flows/scheduler.ts'
import { createFlowService } from '../flows/service.ts'
import { createSourceFolders } from '../flows/source-folder.ts'
import { createSending } from '../notifications/channels.ts'
import { createOutbox } from '../notifications/outbox.ts'
import { createNotificationService } from '../notifications/service.ts'
import type { Agreements } from './agreements.ts'
import type { Exchange } from './exchange.ts'
import type { Foundation } from './foundation.ts'
import type { GraphOptions } from './options.ts'

export type Automation = ReturnType<typeof buildAutomation>

export function buildAutomation({ workspace, clock, publisher, logger }: GraphOptions, foundation: Foundation, { routes, inboxOf, trust }: Agreements, { deliveries, collect, engine, remoteFiles, pgp, contents, flowRepository: repository }: Exchange) {
  const { common, audit, raise, records, payloads, partnerRepository, deliveryRepository, background, station } = foundation
  const { database } = common
  const { secrets } = workspace
  const connectionsOf = (partner: string) => partnerRepository.find(partner)?.document.connections ?? []
  const partnerExists = (partner: string, connection: string | undefined): boolean => connectionsOf(partner).some(({ id }) => connection === undefined || id === connection)

  const files = createFlowFiles(database)
  const deliveryOf = (id: string) => deliveryRepository.find(id)?.delivery ?? null
  const forFlows = {
    ...common,
    repository,
    pgp,
    contents,
    keptDays: (partner: string) => partnerRepository.find(partner)?.document.limits.keepDays ?? KEPT_DAYS,
    files,
    folders: createSourceFolders(clock),
    deliveries,
    deliveryOf,
    digest: async (path: string, signal: AbortSignal) => (await payloads.digest(path, { signal })).sha256,
    collect,
    inboxOf,
    audit,
    logger,
  }
  const runner = createFlowRunner(forFlows)
  const scheduler = createScheduler({
    ...forFlows,
    runner,
    choice: forFlows,
    isSuspended: (partner) => partnerRepository.find(partner)?.suspended ?? true,
    isOffline(target) {
      const { partner, connection } = splitTarget(target)
      const found = connectionsOf(partner).find(({ id }) => connection === undefined || id === connection)
      return found !== undefined && background.lines.hold({ partner, connection: found.id })?.by === 'network'
    },
    onClockBack: trust.clockWentBack,
    // On every platform it counts the time asleep; the wall clock does so too, but can be set.
    elapsed: () => uptime() * 1000,
  })
  return {
    runner,
    scheduler,
    deliveryOf,
    flows: createFlowService({
      ...forFlows,
      runner,
      scheduler,
      routes,
      onResume() {
        engine.wake()
        void background.tick().catch(() => undefined)
      },
      partnerExists,
      takeAgain: remoteFiles.takeAgain,
    }),
    expectations: createExpectationService({
      ...common,
      bus: publisher,
      repository: createExpectationRepository(database),
      arrivals: createArrivals(database),
      flowOf: (delivery) => files.of(delivery)[0]?.flow ?? null,
      audit,
      raise,
      secrets,
      logger,
      workspace: workspace.id,
      station: () => station.show()?.name ?? null,
      auditHead: records.head,
      partnerExists,
      isCollected: (partner, connection) => connectionsOf(partner).some((one) => (connection === undefined || one.id === connection) && 'receive' in one && one.receive !== undefined),
      flowExists: (id) => repository.find(id) !== null,
    }),
    notifications: createNotificationService({ database, outbox: createOutbox(database), secrets, audit, bus: publisher, send: createSending(), clock, logger }),
  }
}
