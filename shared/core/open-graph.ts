/** Everything that lives while a workspace is open: the only place that builds the object graph of the domains. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, statfs } from 'node:fs/promises'
import { networkInterfaces, uptime } from 'node:os'
import { join } from 'node:path'
import type { Connection } from '../contract/connections/index.ts'
import type { WaybillHandlers } from '../contract/index.ts'
import { backgroundHandlers } from './background/handlers.ts'
import { guardedPayloads } from './background/disk-guard.ts'
import { createTroubleRepository } from './background/repository.ts'
import { createBackground } from './background/service.ts'
import { pauseAfter } from './deliveries/rules.ts'
import { auditHandlers } from './audit/handlers.ts'
import { createAnchors } from './audit/anchors.ts'
import { chainFacts, testFacts } from './audit/facts.ts'
import { createAuditRepository } from './audit/repository.ts'
import { createAuditTrail } from './audit/service.ts'
import { createArrivals } from './deliveries/arrivals.ts'
import { createDeliveryEngine } from './deliveries/engine.ts'
import { deliveryHandlers } from './deliveries/handlers.ts'
import { createCollect } from './deliveries/inbound/collect.ts'
import { createInboundReleases } from './deliveries/inbound/release.ts'
import { createRemoteFileRepository } from './deliveries/inbound/remote-files.ts'
import { createLedger } from './deliveries/ledger.ts'
import { createPgpSteps } from './deliveries/pgp.ts'
import { createRetention, grownSince } from './deliveries/retention.ts'
import { createDeliveryRepository } from './deliveries/repository.ts'
import { createDeliveryService } from './deliveries/service.ts'
import { expectationHandlers } from './expectations/handlers.ts'
import { createExpectationRepository } from './expectations/repository.ts'
import { createExpectationService } from './expectations/service.ts'
import { createFlowFiles } from './flows/files.ts'
import { flowHandlers } from './flows/handlers.ts'
import { createFlowRepository } from './flows/repository.ts'
import { createFlowRunner } from './flows/runner.ts'
import { splitTarget } from './flows/rules.ts'
import { createScheduler } from './flows/scheduler.ts'
import { createFlowService } from './flows/service.ts'
import { createSourceFolders } from './flows/source-folder.ts'
import { createTraffic } from './deliveries/traffic.ts'
import { systemActor } from './kernel/actor.ts'
import type { CallContext, ResolvedFile, ResolveFile } from './kernel/call-context.ts'
import { timestamp, type Clock } from './kernel/clock.ts'
import { AppError, asAppError, systemCode } from './kernel/errors.ts'
import type { EventBus } from './kernel/events.ts'
import type { Logger } from './kernel/logger.ts'
import type { Patience } from './kernel/patience.ts'
import { as2Handlers } from './messages/handlers.ts'
import type { OtherOfChange } from './messages/overlap.ts'
import { createMessageSending, createMessageService } from './messages/service.ts'
import { createSending } from './notifications/channels.ts'
import { notificationHandlers } from './notifications/handlers.ts'
import { createOutbox } from './notifications/outbox.ts'
import { createNotificationService } from './notifications/service.ts'
import { partnerHandlers } from './partners/handlers.ts'
import { createPartnerRepository } from './partners/repository.ts'
import { partnerFacts } from './partners/facts.ts'
import { connectionOf, toleratedOn } from './partners/rules.ts'
import { cardHandlers } from './cards/service.ts'
import { policyHandlers } from './policy/handlers.ts'
import type { PolicyGate } from './policy/gate.ts'
import { createPolicyService } from './policy/service.ts'
import { createMessageRepository } from './messages/repository.ts'
import { createMessageRehearsal } from './messages/rehearsal.ts'
import { createRehearsal } from './rollover/rehearsal.ts'
import { createRolloverService, rolloverHandlers } from './rollover/service.ts'
import { createRoutes } from './partners/routes.ts'
import { createPartnerService } from './partners/service.ts'
import { createPosture } from './posture/create.ts'
import { approvalOf, noticeFacts } from './posture/agreed-facts.ts'
import { flowFactOf } from './posture/flow-facts.ts'
import { platformFacts } from './posture/platform-facts.ts'
import { secretAges } from './posture/secret-ages.ts'
import type { PlatformFacts } from './posture/facts.ts'
import type { PracticePort } from './practice/port.ts'
import { practiceHandlers } from './practice/handlers.ts'
import { folder } from './protocols/folder/index.ts'
import { ftps } from './protocols/ftps/index.ts'
import { s3 } from './protocols/s3/index.ts'
import { sftp } from './protocols/sftp/index.ts'
import { safekeepingHandlers } from './safekeeping/handlers.ts'
import { keepingFacts } from './safekeeping/facts.ts'
import { createSafekeeping } from './safekeeping/service.ts'
import { createStationService, stationHandlers } from './station/service.ts'
import { noticeRaiser } from './notifications/raise.ts'
import { createExpiryWatch } from './trust/expiry-watch.ts'
import { trustHandlers } from './trust/handlers.ts'
import { createTrustRepository } from './trust/repository.ts'
import { createTrustService } from './trust/service.ts'
import type { SelfTest } from './workspace/doctor.ts'
import { createSettings } from './workspace/settings.ts'
import type { Workspace } from './workspace/open-workspace.ts'

/** The domains that need an open workspace. */
export type OpenDomains = Omit<WaybillHandlers<CallContext>, 'workspace'>

export interface OpenGraph {
  readonly handlers: OpenDomains
  /** Background operation: resumes what is due, receives. */
  start(): void
  /** Lets what runs end, within the patience given, or at a safe point. */
  stop(patience?: Patience): Promise<void>
  reload(): Promise<void>
  /** Time of the newest audit record, or null. */
  readonly lastAuditAt: () => string | null
}

export interface GraphOptions {
  readonly workspace: Workspace
  readonly clock: Clock
  readonly random: () => number
  /** Announces, and lets the posture listen. */
  readonly publisher: EventBus
  readonly logger: Logger
  readonly resolveFile: ResolveFile
  readonly practice: PracticePort
  readonly version: string
  /** When the program was built; left out in development. */
  readonly builtAt?: string | null
  /** Left out in tests: nothing is known of the surroundings. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Known-answer tests of the primitives; left out in tests. */
  readonly selfTests?: readonly SelfTest[]
}

export function buildOpenGraph(options: GraphOptions): OpenGraph {
  const { workspace, clock, random, publisher, logger, resolveFile } = options
  const { database, secrets } = workspace
  const common = { database, clock, publisher }
  const raise = noticeRaiser(common)

  const auditRepository = createAuditRepository(database)
  const audit = createAuditTrail(auditRepository, clock)
  const anchors = createAnchors({ repository: auditRepository, trail: audit, secrets, workspace: workspace.id, clock })
  const safekeeping = createSafekeeping({ workspace, audit, newest: auditRepository.newestOf, anchorInto: anchors.writeInto, records: () => auditRepository.head().seq, publisher, raise: noticeRaiser(common), clock, logger, version: options.version })
  const deliveryRepository = createDeliveryRepository(database)
  const partnerRepository = createPartnerRepository(database)
  const background = createBackground({
    database,
    repository: createTroubleRepository(database),
    audit,
    bus: publisher,
    clock,
    logger,
    hostOf: ({ partner, connection }) => hostOf(partnerRepository.find(partner)?.document.connections.find(({ id }) => id === connection)),
    pauseAfter: (failures) => pauseAfter(Math.min(failures, MOST_GROWTH), random()) ?? 0,
    hasAddress: () => Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal)),
    async freeBytes() {
      const { bavail, bsize } = await statfs(workspace.folder)
      return bavail * bsize
    },
    settings: createSettings(database).get,
    postponed: deliveryRepository.postponedCount,
    onSpace: () => void releases.releaseWaiting(null, ending.signal).catch((error: unknown) => logger.log('error', 'received files could not be released', { problem: asAppError(error).message })),
  })
  const ending = new AbortController()
  const { lines } = background
  const payloads = guardedPayloads(workspace.payloads, background.disk)
  const trust = createTrustService({ ...common, repository: createTrustRepository(database), secrets, audit, partners: partnerFacts(partnerRepository, clock), flows: () => flows.atTimes() })
  const expiryWatch = createExpiryWatch({ database, insights: trust.insights, audit, raise, also: () => [rollovers.check(), rollovers.remind(), policy.remind()], clock, logger })
  const station = createStationService({ ...common, audit })
  const facts = partnerFacts(partnerRepository, clock)
  const rollovers = createRolloverService({ ...common, trust, partners: facts, station: station.show, seen: createMessageRepository(database).seen, audit, raise })
  const policy = createPolicyService({ ...common, secrets, audit, station: station.show, partners: facts, boundItems: trust.boundItems, lastObserved: deliveryRepository.lastObserved, raise })
  /** In hardened mode what posture found counts too; otherwise it never stands in the way. */
  const gate: PolicyGate = {
    ...policy.gate,
    requireApproved(partner, connection, direction) {
      policy.gate.requireApproved(partner, connection, direction)
      if (policy.hardenedFor(partner)) posture.service.requireClean(partner)
    },
  }
  const routes = createRoutes({ partners: partnerRepository, trust, secrets, protocols: { sftp, ftps, s3, folder }, testMessages: async (...args) => await sending.test(...args), policy: gate, clock })
  const inboxOf = (partner: string): string => partnerRepository.find(partner)?.document.inbox ?? join(workspace.folder, 'partners', partner, 'Inbox')
  const partners = createPartnerService({ ...common, repository: partnerRepository, deliveries: deliveryRepository, trust, secrets, audit, inboxOf, exceptionsOf: policy.exceptionsOf })
  const ledger = createLedger({ ...common, deliveries: deliveryRepository, audit })
  const otherOfChange: OtherOfChange = (partner, fingerprint) => {
    const other = rollovers.otherOf(partner, fingerprint)
    return other === null ? null : trust.materials.one(other)
  }
  const forMessages = { database, payloads, routes, materials: trust.materials, policy: gate, station: () => station.show(), audit, publisher, clock, random, logger, product: `Waybill/${options.version}`, otherOfChange }
  const sending = createMessageSending(forMessages)
  const engine = createDeliveryEngine({ exchange: sending.exchange, deliveries: deliveryRepository, ledger, payloads, publisher, clock, random, routes, policy: gate, lines, logger })
  const pgp = createPgpSteps({
    materials: trust.materials,
    payloads,
    targetOf(partner, connection) {
      const { document } = partnerRepository.get(partner)
      return { partner, connection: connectionOf(document, connection), tolerated: toleratedOn(document, connection, clock.now()) }
    },
    clock,
  })
  const releases = createInboundReleases({ database, repository: deliveryRepository, ledger, payloads, clock, logger, inboxOf, open: pgp.open, policy: gate })
  const remoteFiles = createRemoteFileRepository(database)
  const collect = createCollect({ ...common, repository: deliveryRepository, remoteFiles, ledger, releases, payloads, routes, lines, onLook: (seen) => expectations.noteLook(seen) })
  const deliveries = createDeliveryService({ database, exchange: sending.exchange, repository: deliveryRepository, ledger, engine, payloads, routes, releases, pgp, policy: gate, publisher, clock })
  const notifications = createNotificationService({ database, outbox: createOutbox(database), secrets, audit, bus: publisher, send: createSending(), clock, logger })
  const forFlows = {
    ...common,
    repository: createFlowRepository(database),
    files: createFlowFiles(database),
    folders: createSourceFolders(clock),
    deliveries,
    deliveryOf: (id: string) => deliveryRepository.find(id)?.delivery ?? null,
    digest: async (path: string, signal: AbortSignal) => (await payloads.digest(path, { signal })).sha256,
    collect,
    inboxOf,
    audit,
    logger,
  }
  const partnerExists = (partner: string, connection: string | undefined): boolean => partnerRepository.find(partner)?.document.connections.some(({ id }) => connection === undefined || id === connection) ?? false
  const runner = createFlowRunner(forFlows)
  const isOffline = (target: string): boolean => {
    const { partner, connection } = splitTarget(target)
    const found = partnerRepository.find(partner)?.document.connections.find(({ id }) => connection === undefined || id === connection)
    return found !== undefined && lines.hold({ partner, connection: found.id })?.by === 'network'
  }
  // On every platform it counts the time asleep; the wall clock does so too, but can be set.
  const scheduler = createScheduler({ ...forFlows, runner, choice: forFlows, isSuspended: (partner) => partnerRepository.find(partner)?.suspended ?? true, isOffline, elapsed: () => uptime() * 1000 })
  const flows = createFlowService({
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
  })
  const expectations = createExpectationService({
    ...common,
    bus: publisher,
    repository: createExpectationRepository(database),
    arrivals: createArrivals(database),
    flowOf: (delivery) => forFlows.files.of(delivery)?.flow ?? null,
    audit,
    raise,
    secrets,
    logger,
    workspace: workspace.id,
    station: () => station.show()?.name ?? null,
    auditHead: auditRepository.head,
    partnerExists,
    isCollected: (partner, connection) => partnerRepository.find(partner)?.document.connections.some((one) => (connection === undefined || one.id === connection) && 'receive' in one && one.receive !== undefined) ?? false,
    flowExists: (id) => forFlows.repository.find(id) !== null,
  })
  const messages = createMessageService({ ...forMessages, ...sending, ledger, releases, exports: join(workspace.folder, 'exports') })
  const practice = practiceHandlers({ port: options.practice, partners, trust, receiver: messages.receiver, as2Id: () => station.show()?.as2?.id ?? null, folder: workspace.folder })
  const retention = createRetention({ database, payloads, clock })
  const failedPrimitives = once(() => (options.selfTests ?? []).flatMap((test) => test()).filter(({ ok }) => !ok).map(({ name }) => name))
  const receiverFacts = (): PlatformFacts['receiver'] => {
    const { settings, listening, error, receiptsToPost } = messages.receiver.status()
    return { ...settings, listening, problem: error?.message ?? null, queuedReceipts: receiptsToPost }
  }
  const posture = createPosture({
    database,
    sources: {
      station: () => station.show(),
      partners: () => partnerRepository.all(),
      items: () => trust.list({ limit: MOST_ITEMS }).items,
      insights: trust.insights,
      traffic: createTraffic(database),
      refusals: policy.refusals,
      flows: () => flows.list({ limit: MOST_FLOWS }).flows.map(({ id }) => flowFactOf(flows.show(id), clock.now())),
      secrets: () => secretAges(secrets.ages('partner/')),
      audit: () => chainFacts(auditRepository),
      platform: async () => await platformFacts({ folder: workspace.folder, clock, keyInKeychain: workspace.keyInKeychain, receiver: receiverFacts(), failedPrimitives, keychainAnswered: workspace.keychainAnswered, builtAt: options.builtAt ?? null, grownBytes: () => grownSince(database, timestamp(clock.now() - GROWTH_MS)), env: options.env ?? {} }),
      keeping: async () => await keepingFacts({ folder: workspace.folder, settings: safekeeping.settings(), backup: safekeeping.lastBackup(), anchor: safekeeping.lastAnchor() }),
      tests: () => testFacts(auditRepository),
      retention: async () => await retention(partnerRepository.all().map(({ id, document }) => ({ partner: id, days: document.limits.keepDays ?? KEPT_DAYS }))),
      approval: () => ({ hardened: policy.hardened(), ...approvalOf(policy.diff()) }),
      expectations: () => expectations.list({ limit: MOST_FLOWS }).expectations.map(({ document }) => document),
      notices: () => noticeFacts(notifications.settings(), createSettings(database).get().notifications),
    },
    audit,
    bus: publisher,
    raise,
    clock,
    logger,
    version: options.version,
    approve: policy.approve,
  })
  const cards = cardHandlers({ trust, partners: { all: facts.all, apply: partners.apply }, station: station.show, otherOfChange, audit, clock, resolveFile, readContent })
  const rehearse = createRehearsal({
    trust,
    messages: createMessageRehearsal({ messages: createMessageRepository(database), payloads, routes, identities: sending.identities, deliveryOf: forFlows.deliveryOf }),
    partners: facts,
    receiverShows: () => messages.receiver.shows(),
    clock,
  })
  const leaveRefusals = publisher.subscribe('deliveries.changed', policy.noteFailure)
  /** The dates of the next year are written into the same file. */
  const readCalendarsDaily = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await flows.reloadCalendars(systemActor).catch((error: unknown) => logger.log('error', 'the holidays could not be read', { problem: asAppError(error).message }))
      await clock.sleep(DAY_MS, ending.signal).catch(() => undefined)
    }
  }
  deliveries.recover(systemActor)
  runner.recover()
  let runs = false
  let moved = false
  publisher.subscribe('deliveries.changed', () => void (moved = true))
  let watching: Promise<unknown> = Promise.resolve()

  return {
    start() {
      runs = true
      engine.start()
      background.start()
      void readCalendarsDaily()
      lines.onRelease((release) => {
        if (release.by === 'network') scheduler.online()
      })
      void expiryWatch.run(ending.signal)
      watching = Promise.all([posture.watch.run(ending.signal), safekeeping.run(ending.signal)])
      void releases.releaseWaiting(null, ending.signal).catch((error: unknown) => logger.log('error', 'received files could not be released', { problem: asAppError(error).message }))
      messages.start()
      scheduler.start()
      expectations.start()
      notifications.start()
    },
    async reload() {
      await flows.reloadCalendars(systemActor)
      await background.tick()
      scheduler.wake()
      engine.wake()
    },
    async stop(patience) {
      // First nobody is let in any more; then attempts end; then what they used is closed.
      await messages.receiver.close()
      await Promise.all([scheduler.stop(patience), engine.stop(patience), expectations.stop()])
      await messages.stop()
      await background.stop()
      await notifications.stop()
      ending.abort()
      leaveRefusals()
      await watching
      // What a single command did counts for the next one: in hardened mode its traces may forbid it.
      if (!runs && moved && facts.all().some(({ id }) => policy.hardenedFor(id))) await posture.service.evaluateAll('delivery')
      await practice.shutDown()
    },
    lastAuditAt: () => auditRepository.list({ limit: 1 }).events[0]?.at ?? null,
    handlers: {
      station: stationHandlers(station),
      partners: partnerHandlers({ service: partners, routes, audit, publisher, clock }),
      practice,
      rollover: rolloverHandlers(rollovers, { rehearse, card: (partner) => (station.show() === null ? null : cards.create({ partner })) }),
      policy: policyHandlers({ service: policy, partners: { show: (id) => partners.show(id).document, apply: partners.apply }, clock }),
      cards,
      trust: trustHandlers({ service: trust, routes, resolveFile, readContent }),
      deliveries: deliveryHandlers(deliveries, collect, resolveFile),
      flows: flowHandlers(flows, resolveFile),
      expectations: expectationHandlers(expectations),
      background: backgroundHandlers(background),
      as2: as2Handlers(messages),
      posture: posture.handlers,
      notifications: notificationHandlers(notifications),
      safekeeping: safekeepingHandlers(safekeeping, resolveFile),
      audit: auditHandlers({ repository: auditRepository, trail: audit, anchors, deliveries: deliveryRepository, digest: sha256OfFile, resolveFile, clock }),
    },
  }
}

const GROWTH_MS = 30 * 86_400_000
/** Where nothing else was agreed. */
const KEPT_DAYS = 90
/** The server that a connection needs; null where it needs none. */
function hostOf(connection: Connection | undefined): string | null {
  switch (connection?.protocol) {
    case 'sftp':
    case 'ftps':
      return connection.host
    case 's3':
      return URL.parse(connection.endpoint ?? `https://${connection.bucket}.s3.amazonaws.com`)?.hostname ?? null
    case 'as2':
      return connection.url === undefined ? null : (URL.parse(connection.url)?.hostname ?? null)
    default:
      return null
  }
}

const DAY_MS = 86_400_000
const MOST_ITEMS = 100_000
/** From so many failures in a row on, the pause is the longest one. */
const MOST_GROWTH = 5
const MOST_FLOWS = 10_000

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}

const MOST_KEY_BYTES = 1024 * 1024

async function readContent(file: ResolvedFile): Promise<Buffer> {
  try {
    const content = await readFile(file.path)
    if (content.length > MOST_KEY_BYTES) throw new AppError('key.malformed', `${file.name} has ${content.length} bytes; no key or certificate file is that large`)
    return content
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('input.unreadable', `${file.name} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const digest = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { signal, highWaterMark: 1024 * 1024 })) digest.update(chunk as Uint8Array)
  } catch (error) {
    throw new AppError('input.unreadable', `the file cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
  return digest.digest('hex')
}
