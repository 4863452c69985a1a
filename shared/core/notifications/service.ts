/**
 * Takes what is raised, writes it into the outbox and sends it. Nothing is lost when a channel fails: it is tried again for days, and
 * that the channel fails is told on the desktop.
 */
import type { Notification } from '../../contract/deliveries.ts'
import { NotificationSettings, type Channel, type OutboxEntry, type SentChannel } from '../../contract/notifications.ts'
import type { WireError } from '../../contract/errors/index.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { EventBus } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import { parseDocument, secretText } from '../partners/rules.ts'
import { isKnownZone } from '../schedules/zones.ts'
import type { Database } from '../store/database.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { SendMessage } from './channels.ts'
import type { Outbox } from './outbox.ts'
import { allowedAt, channelsOf, foldKey, GIVE_UP_AFTER_MS, heartbeatDue, isShown, pauseAfterTry, silenceNotice, withRepeats, withSilent, type Silent } from './rules.ts'

const TICK_MS = 15_000
const KEEP_MS = 90 * 86_400_000
const PRUNE_EVERY_MS = 3_600_000
/** Notices that one look hands to the channels; the next goes on. */
const MOST_NOTICES = 500
const SECRETS = [
  ['email', 'password'],
  ['webhook', 'secret'],
] as const
const MIN_SECRET = 16
const QUIET = 'quiet'

export type NotificationService = ReturnType<typeof createNotificationService>

export function createNotificationService(deps: {
  readonly database: Database
  readonly outbox: Outbox
  readonly secrets: SealedSecrets
  readonly audit: AuditTrail
  readonly bus: Pick<EventBus, 'subscribe' | 'publish'>
  readonly send: SendMessage
  readonly clock: Clock
  readonly logger: Logger
}) {
  const { database, outbox, secrets, audit, bus, clock, logger } = deps
  const ending = new AbortController()
  let waking = new AbortController()
  let prunedAt = 0
  let working: Promise<void> = Promise.resolve()
  /** Channels whose failure was told since they last worked. */
  const failing = new Set<SentChannel>()

  const settings = (): NotificationSettings => {
    const stored = outbox.state('settings')
    const parsed = stored === null ? null : NotificationSettings.safeParse(JSON.parse(stored))
    return parsed?.success === true ? parsed.data : NotificationSettings.parse({})
  }

  const sealed = () => ({ password: secrets.get('notifications/email/password'), secret: secrets.get('notifications/webhook/secret') })

  const put = (channel: SentChannel, notice: Pick<Notification, 'severity' | 'title' | 'body'>, facts: { subject: string | null; foldKey: string; folded: boolean; at?: string }): void => {
    const now = clock.now()
    outbox.add({
      id: newId('msg', now),
      channel,
      severity: notice.severity,
      title: notice.title,
      body: notice.body,
      foldKey: facts.foldKey,
      subject: facts.subject,
      state: facts.folded ? 'folded' : 'waiting',
      at: facts.at ?? timestamp(now),
      nextTryAt: facts.folded ? null : timestamp(allowedAt(now, settings().quiet)),
    })
  }

  const take = (notice: Notification): void => {
    const present = settings()
    const subject = notice.subject === null ? null : `${notice.subject.kind}/${notice.subject.id}`
    const told = notice.severity === 'info' && subject !== null ? outbox.troubleTold(subject) : []
    const key = foldKey(notice)
    const since = timestamp(Date.parse(notice.at) - present.foldMinutes * 60_000)
    const shown = isShown(notice, present, { now: clock.now(), repeated: outbox.raisedSince(notice, since) })
    const silent = shown && allowedAt(clock.now(), present.quiet) > clock.now()
    database.transaction(() => {
      for (const channel of channelsOf(notice, present, told)) put(channel, notice, { subject, foldKey: key, folded: outbox.toldSince(channel, key, since), at: notice.at })
      outbox.noticeTaken(notice.id)
      if (silent) outbox.setState(QUIET, JSON.stringify(withSilent(silentSoFar(), notice)))
    })
    if (shown && !silent) bus.publish('notifications.show', notice)
  }

  const silentSoFar = (): Silent | null => {
    const stored = outbox.state(QUIET)
    return stored === null || stored === '' ? null : (JSON.parse(stored) as Silent)
  }

  /** The desktop was silent in the quiet hours: now it says one number. */
  const breakSilence = (): void => {
    const silent = silentSoFar()
    if (silent === null || allowedAt(clock.now(), settings().quiet) > clock.now()) return
    outbox.setState(QUIET, '')
    show(silenceNotice(silent))
  }

  const show = (notice: Omit<Notification, 'id' | 'at'>): void => bus.publish('notifications.show', { ...notice, id: newId('ntf', clock.now()), at: timestamp(clock.now()) })

  /** What was raised since, in its own transactions, goes to the channels. */
  const takeRaised = (): void => {
    for (const notice of outbox.openNotices(MOST_NOTICES)) take(notice)
  }

  /** Repeats whose time of silence is over are told as one number. */
  const tellRepeats = (): void => {
    const before = timestamp(clock.now() - settings().foldMinutes * 60_000)
    for (const { channel, foldKey: key, repeats, ...notice } of outbox.foldedOver(before))
      database.transaction(() => {
        outbox.countFolded(channel, key, timestamp(clock.now()))
        put(channel, { ...notice, body: withRepeats(notice.body, repeats) }, { subject: null, foldKey: key, folded: false })
      })
  }

  const beat = (): void => {
    const { heartbeat, email, webhook } = settings()
    if (heartbeat === undefined) return
    const due = heartbeatDue(clock.now(), heartbeat)
    const last = outbox.state('heartbeat')
    if (last !== null && Number(last) >= due) return
    database.transaction(() => {
      outbox.setState('heartbeat', String(due))
      // The first one is due after the setting was made, not before.
      if (last === null) return
      for (const channel of ['email', 'webhook'] as const)
        if ((channel === 'email' ? email : webhook) !== undefined) put(channel, { severity: 'info', title: 'Sign of life', body: 'Waybill runs, and this way of telling you works.' }, { subject: null, foldKey: `heartbeat ${due}`, folded: false })
    })
  }

  const sendOne = async (entry: ReturnType<Outbox['due']>[number]): Promise<void> => {
    const now = clock.now()
    try {
      await deps.send(entry.channel, { id: entry.id, severity: entry.severity, title: entry.title, body: entry.body, at: Date.parse(entry.createdAt) }, settings(), sealed())
      outbox.sent(entry.id, timestamp(clock.now()))
      failing.delete(entry.channel)
    } catch (error) {
      const over = now - Date.parse(entry.createdAt) > GIVE_UP_AFTER_MS
      outbox.failed(entry.id, toWireError(error), over ? null : timestamp(clock.now() + pauseAfterTry(entry.tries + 1)))
      logger.log('warn', 'a notification could not be sent', { channel: entry.channel, problem: asAppError(error).message })
      if (failing.has(entry.channel)) return
      failing.add(entry.channel)
      // On the desktop only: the other channel has the message itself.
      const text = entry.channel === 'email' ? 'E-mail' : 'The webhook'
      if (allowedAt(clock.now(), settings().quiet) === clock.now()) show({ severity: 'attention', title: 'Notifications do not arrive', body: `${text} does not work. Messages are kept and sent later; test it in the settings.`, subject: CHANNEL_SUBJECT })
      else failing.delete(entry.channel)
    }
    bus.publish('notifications.changed', { id: entry.id })
  }

  const tick = async (): Promise<void> => {
    takeRaised()
    breakSilence()
    beat()
    tellRepeats()
    for (const entry of outbox.due(timestamp(clock.now()))) {
      if (ending.signal.aborted) return
      await sendOne(entry)
    }
    if (clock.now() - prunedAt > PRUNE_EVERY_MS) {
      prunedAt = clock.now()
      outbox.forgetBefore(timestamp(clock.now() - KEEP_MS))
    }
  }

  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      waking = new AbortController()
      await tick().catch((error: unknown) => logger.log('error', 'notifications stumbled', { problem: asAppError(error).message }))
      await clock.sleep(TICK_MS, AbortSignal.any([ending.signal, waking.signal])).catch(() => undefined)
    }
  }

  // The desktop does not wait for a slow mail server; what goes wrong here the next look repeats.
  const unsubscribe = bus.subscribe('notifications.raised', () => {
    takeRaised()
    waking.abort()
  })

  return {
    start: () => void (working = loop()),
    async stop() {
      ending.abort()
      await working
      unsubscribe()
    },
    tick,
    settings,

    /** Seals the secrets; `{ "sealed": true }` keeps the one that is there. */
    apply(input: unknown, actor: Actor): { settings: NotificationSettings; changed: boolean } {
      const given = parseDocument(NotificationSettings, input ?? {})
      for (const zone of [given.quiet?.zone, given.heartbeat?.zone]) if (zone !== undefined && !isKnownZone(zone)) throw new AppError('input.invalid', `${zone} is not a known time zone`)
      const before = settings()
      return database.transaction(() => {
        let secretsChanged = false
        const stored = structuredClone(given) as unknown as Record<string, Record<string, unknown> | undefined>
        for (const [channel, field] of SECRETS) {
          const id = `notifications/${channel}/${field}`
          const value = (given[channel] as Record<string, unknown> | undefined)?.[field]
          if (value === undefined) {
            if (secrets.get(id) !== null) secrets.delete(id)
            continue
          }
          const text = secretText(value as Parameters<typeof secretText>[0], `${channel}.${field}`)
          if (text === null && secrets.get(id) === null) throw new AppError('input.invalid', `${channel}.${field}: nothing is sealed yet; give the value`)
          if (text !== null && channel === 'webhook' && text.length < MIN_SECRET) throw new AppError('input.invalid', `webhook.secret: at least ${MIN_SECRET} characters`)
          if (text !== null && text !== secrets.get(id)) {
            secrets.put(id, text)
            secretsChanged = true
          }
          const section = stored[channel]
          if (section !== undefined) section[field] = { sealed: true }
        }
        const next = NotificationSettings.parse(stored)
        const changed = secretsChanged || JSON.stringify(before) !== JSON.stringify(next)
        if (changed) {
          outbox.setState('settings', JSON.stringify(next))
          audit.record({ actor, type: 'notifications.changed', subject: { kind: 'workspace', id: 'notifications' }, data: { email: next.email?.to ?? null, webhook: next.webhook === undefined ? null : new URL(next.webhook.url).host, secretsChanged } })
        }
        return { settings: next, changed }
      })
    },

    async test(channel: Channel, actor: Actor): Promise<{ ok: boolean; answer: string; error: WireError | null }> {
      if (channel === 'native') {
        show({ severity: 'attention', title: 'Test', body: 'This is a test from Waybill. If you can read it, this way of telling you works.', subject: CHANNEL_SUBJECT })
        audit.record({ actor, type: 'notifications.tested', subject: { kind: 'workspace', id: 'notifications' }, data: { channel, ok: true } })
        return { ok: true, answer: 'handed to the desktop, which shows it while the app runs', error: null }
      }
      const id = newId('msg', clock.now())
      const report = await deps
        .send(channel, { id, severity: 'info', title: 'Test', body: 'This is a test from Waybill. If you can read it, this way of telling you works.', at: clock.now() }, settings(), sealed())
        .then((answer) => ({ ok: true, answer, error: null }))
        .catch((error: unknown) => ({ ok: false, answer: '', error: toWireError(error) }))
      audit.record({ actor, type: 'notifications.tested', subject: { kind: 'workspace', id: 'notifications' }, data: { channel, ok: report.ok } })
      return report
    },

    list: (limit: number): OutboxEntry[] => outbox.list(limit),
    notices: (limit: number): Notification[] => outbox.notices(limit),
  }
}

const CHANNEL_SUBJECT = { kind: 'workspace', id: 'notifications' } as const
