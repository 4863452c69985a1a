/** Everything that lives while a workspace is open: the only place where the domains meet. */
import { auditHandlers } from './audit/handlers.ts'
import { backgroundHandlers } from './background/handlers.ts'
import { cardHandlers } from './cards/service.ts'
import { deliveryHandlers } from './deliveries/handlers.ts'
import { evidenceHandlers } from './evidence/handlers.ts'
import { expectationHandlers } from './expectations/handlers.ts'
import { flowHandlers } from './flows/handlers.ts'
import { buildAgreements } from './graph/agreements.ts'
import { buildAssurance } from './graph/assurance.ts'
import { buildAutomation } from './graph/automation.ts'
import { buildExchange } from './graph/exchange.ts'
import { buildFoundation } from './graph/foundation.ts'
import type { GraphOptions, OpenDomains } from './graph/options.ts'
import { readContent, sha256OfFile } from './graph/readings.ts'
import { systemActor } from './kernel/actor.ts'
import { asAppError } from './kernel/errors.ts'
import type { Patience } from './kernel/patience.ts'
import { as2Handlers } from './messages/handlers.ts'
import { notificationHandlers } from './notifications/handlers.ts'
import { partnerHandlers } from './partners/handlers.ts'
import { policyHandlers } from './policy/handlers.ts'
import { practiceHandlers } from './practice/handlers.ts'
import { rolloverHandlers } from './rollover/service.ts'
import { safekeepingHandlers } from './safekeeping/handlers.ts'
import { stationHandlers } from './station/service.ts'
import { trustHandlers } from './trust/handlers.ts'

const DAY_MS = 86_400_000

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

/** Each layer is given those below it; what a lower one asks of a higher one, it asks only once everything stands. */
export function buildOpenGraph(options: GraphOptions): OpenGraph {
  const { workspace, clock, publisher, logger, resolveFile } = options
  const ending = new AbortController()
  const releaseWaiting = (): void => void releases.releaseWaiting(null, ending.signal).catch((error: unknown) => logger.log('error', 'received files could not be released', { problem: asAppError(error).message }))

  const foundation = buildFoundation(options, { onSpace: releaseWaiting })
  const { audit, records, anchors, background, safekeeping, station, deliveryRepository } = foundation
  const agreements = buildAgreements(options, foundation, {
    flows: () => flows.atTimes(),
    requireClean: (partner) => posture.service.requireClean(partner),
    testMessages: async (...args) => await sending.test(...args),
  })
  const { trust, rollovers, policy, routes, partners, facts, otherOfChange } = agreements
  const exchange = buildExchange(options, foundation, agreements, { onLook: (seen) => expectations.noteLook(seen) })
  const { sending, engine, releases, collect, deliveries, messages } = exchange
  const automation = buildAutomation(options, foundation, agreements, exchange)
  const { flows, runner, scheduler, expectations, notifications } = automation
  const { posture, rehearse, evidence } = buildAssurance(options, foundation, agreements, exchange, automation)

  const cards = cardHandlers({ trust, partners: { all: facts.all, apply: partners.apply }, station: station.show, otherOfChange, audit, clock, resolveFile, readContent })
  const practice = practiceHandlers({ port: options.practice, partners, trust, receiver: messages.receiver, as2Id: () => station.show()?.as2?.id ?? null, folder: workspace.folder })
  const leaveRefusals = publisher.subscribe('deliveries.changed', policy.noteFailure)
  /** The dates of the next year are written into the same file. */
  const readCalendarsDaily = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await flows.reloadCalendars(systemActor).catch((error: unknown) => logger.log('error', 'the holidays could not be read', { problem: asAppError(error).message }))
      await clock.sleep(DAY_MS, ending.signal).catch(() => undefined)
    }
  }
  trust.clockWentBack()
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
      background.lines.onRelease((release) => {
        if (release.by === 'network') scheduler.online()
      })
      void agreements.expiryWatch.run(ending.signal)
      watching = Promise.all([posture.watch.run(ending.signal), safekeeping.run(ending.signal)])
      releaseWaiting()
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
    lastAuditAt: () => records.list({ limit: 1 }).events[0]?.at ?? null,
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
      evidence: evidenceHandlers(evidence, resolveFile),
      audit: auditHandlers({ repository: records, trail: audit, anchors, deliveries: deliveryRepository, digest: sha256OfFile, resolveFile, clock }),
    },
  }
}
