/** Our receiver's life: switched on and off, moved, and repaired at the start. */
import type { ReceiverSettings, ReceiverStatus } from '../../contract/as2.ts'
import { ReceiverSettings as Schema } from '../../contract/as2.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError, toWireError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import { startListener, type Listener, type ListenerTls } from '../protocols/as2/listener.ts'
import type { Database } from '../store/database.ts'
import type { MessageRepository } from './repository.ts'
import type { Receive } from './receiving.ts'

const DEFAULTS: ReceiverSettings = { enabled: false, host: '127.0.0.1', port: 10080, tls: false, certificate: null, maxParallel: 64, oldHttp: false }
const KEY = 'as2.receiver'

export type ReceiverChange = { readonly [K in keyof ReceiverSettings]?: ReceiverSettings[K] | undefined }

export interface Receiver {
  status(): ReceiverStatus
  configure(change: ReceiverChange, actor: Actor): Promise<ReceiverStatus>
  /** With a change: for this run only. Rejects with `as2.receiver_failed` or `as2.certificate_missing`. */
  start(actor: Actor, change?: ReceiverChange): Promise<ReceiverStatus>
  stop(actor: Actor): Promise<ReceiverStatus>
  /** At the start of the program: listens if that was switched on. Never rejects. */
  startIfEnabled(actor: Actor): Promise<void>
  close(): Promise<void>
  /** The certificate item that is shown by name, `station`: the station's newest; null: no TLS. */
  shows(): string | null
  count(what: 'messages' | 'duplicates' | 'receipts' | 'refused'): void
}

export function createReceiver(deps: {
  readonly database: Database
  readonly messages: MessageRepository
  readonly audit: AuditTrail
  readonly publisher: Publisher
  readonly clock: Clock
  readonly logger: Logger
  readonly product: string
  readonly receive: () => Receive
  readonly publicAddress: () => string | null
  /** The certificate of our HTTPS server with its key: the item named, or the station's newest; null when there is none. */
  readonly serverCertificate: (item: string | null) => ListenerTls | null
}): Receiver {
  const { database, messages, audit, clock } = deps
  let listener: { readonly at: Listener; readonly settings: ReceiverSettings; readonly since: string } | null = null
  let failure: AppError | null = null
  let counts = { messages: 0, duplicates: 0, receipts: 0, refused: 0 }
  /** One change at a time. */
  let last: Promise<unknown> = Promise.resolve()

  const stored = (): ReceiverSettings => {
    const row = database.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(KEY)
    try {
      return Schema.parse({ ...DEFAULTS, ...(row === undefined ? {} : (JSON.parse(row.value) as object)) })
    } catch {
      return DEFAULTS
    }
  }

  const store = (settings: ReceiverSettings): void => {
    database.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(KEY, JSON.stringify(settings))
  }

  const status = (): ReceiverStatus => ({
    settings: stored(),
    listening: listener !== null,
    address: listener === null ? null : addressOf(listener.settings, listener.at.port),
    publicAddress: deps.publicAddress(),
    since: listener?.since ?? null,
    error: failure === null ? null : toWireError(failure),
    active: listener?.at.active() ?? 0,
    ...counts,
    receiptsToPost: messages.receiptQueue().waiting,
  })

  const announce = (): ReceiverStatus => {
    const now = status()
    deps.publisher.publish('as2.receiverChanged', now)
    return now
  }

  const note = (type: string, actor: Actor, data: Readonly<Record<string, unknown>>): void => database.transaction(() => audit.record({ actor, type, subject: { kind: 'receiver', id: 'as2' }, data }))

  const open = async (settings: ReceiverSettings, actor: Actor): Promise<void> => {
    if (listener !== null && sameListening(listener.settings, settings)) return
    await shut()
    try {
      const tls = settings.tls ? deps.serverCertificate(settings.certificate) : null
      if (settings.tls && tls === null) throw new AppError('as2.certificate_missing', 'HTTPS needs a certificate of the station with its private key in the role tls-server', { details: { role: 'tls-server' } })
      const receive = deps.receive()
      const at = await startListener({ host: settings.host, port: settings.port, tls, renewed: () => deps.serverCertificate(settings.certificate), limits: { maxParallel: settings.maxParallel }, oldHttp: settings.oldHttp, product: deps.product, onPost: receive })
      listener = { at, settings, since: timestamp(clock.now()) }
      counts = { messages: 0, duplicates: 0, receipts: 0, refused: 0 }
      failure = null
      note('as2.receiver_started', actor, { address: addressOf(settings, at.port) })
    } catch (error) {
      failure = asAppError(error)
      throw failure
    }
  }

  const shut = async (): Promise<void> => {
    const before = listener
    listener = null
    await before?.at.close()
  }

  const inTurn = async <T>(action: () => Promise<T>): Promise<T> => {
    const mine = last.catch(() => undefined).then(action)
    last = mine
    return await mine
  }

  return {
    status,
    configure: async (change, actor) =>
      await inTurn(async () => {
        const settings = Schema.parse({ ...stored(), ...defined(change) })
        store(settings)
        note('as2.receiver_configured', actor, { ...settings })
        try {
          if (settings.enabled) await open(settings, actor)
          else await shut()
        } catch (error) {
          // The settings stay: the status says why it does not listen.
          deps.logger.log('warn', 'the receiver could not be started', { problem: asAppError(error).message })
        }
        return announce()
      }),
    start: async (actor, change = {}) =>
      await inTurn(async () => {
        await open(Schema.parse({ ...stored(), ...defined(change) }), actor)
        return announce()
      }),
    stop: async (actor) =>
      await inTurn(async () => {
        if (listener !== null) note('as2.receiver_stopped', actor, {})
        await shut()
        failure = null
        return announce()
      }),
    async startIfEnabled(actor) {
      const settings = stored()
      if (!settings.enabled) return
      await inTurn(async () => await open(settings, actor)).catch((error: unknown) => deps.logger.log('error', 'the receiver could not be started', { problem: asAppError(error).message }))
    },
    close: async () => await inTurn(shut),
    shows() {
      const { tls, certificate } = listener?.settings ?? stored()
      return tls ? (certificate ?? 'station') : null
    },
    count(what) {
      counts[what]++
    },
  }
}

function defined(change: ReceiverChange): object {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}

function sameListening(one: ReceiverSettings, other: ReceiverSettings): boolean {
  return one.host === other.host && one.port === other.port && one.tls === other.tls && one.certificate === other.certificate && one.maxParallel === other.maxParallel && one.oldHttp === other.oldHttp
}

function addressOf({ host, tls }: ReceiverSettings, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}/as2`
}
