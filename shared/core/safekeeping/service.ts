/** Backups that are made when asked and by themselves, and what is remembered of them. */
import { readdir, rm, stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { SafekeepingSettings, type Backup, type SafekeepingState } from '../../contract/safekeeping.ts'
import type { AuditEvent } from '../../contract/audit.ts'
import type { AuditTrail } from '../audit/service.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, asAppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { Workspace } from '../workspace/open-workspace.ts'
import { writeBackup } from './backup.ts'

export type SafekeepingService = ReturnType<typeof createSafekeeping>

const KEY = 'safekeeping'
const DEFAULTS: SafekeepingSettings = { folder: null, everyDays: 7, keep: 8, anchorFolder: null, leastFreeBytes: 1024 ** 3 }
const DAY_MS = 86_400_000
/** Timers stand still while a computer sleeps: the day is compared this often. */
const TICK_MS = 10 * 60_000
const NAME = /^waybill-\d{4}-\d{2}-\d{2}T\d{6}Z\.waybill-backup$/

export function createSafekeeping(deps: {
  readonly workspace: Workspace
  readonly audit: AuditTrail
  /** Newest audit record about a subject, of that type. */
  readonly newest: (type: string, subject: { readonly kind: string; readonly id: string }) => AuditEvent | null
  /** Writes an anchor of the chain into a folder; answers its file. */
  readonly anchorInto: (folder: string, actor: Actor) => Promise<string>
  readonly records: () => number
  readonly publisher: Publisher
  readonly raise: RaiseNotice
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
}) {
  const { workspace, audit, newest, clock, publisher } = deps
  const { database } = workspace
  let problem: string | null = null
  let wake = new AbortController()

  const settings = (): SafekeepingSettings => {
    const row = database.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(KEY)
    const stored = SafekeepingSettings.safeParse({ ...DEFAULTS, ...(row === undefined ? {} : (JSON.parse(row.value) as object)) })
    return stored.success ? stored.data : DEFAULTS
  }

  const lastBackup = (): Backup | null => {
    const event = newest('backup.created', BACKUP)
    return event === null ? null : ({ ...event.data, at: event.at } as Backup)
  }

  const lastAnchor = (): SafekeepingState['lastAnchor'] => {
    const event = newest('audit.anchored', ANCHOR)
    return event === null ? null : { at: event.at, seq: Number(event.data['seq']), file: String(event.data['file']) }
  }

  const state = (): SafekeepingState => ({ settings: settings(), lastBackup: lastBackup(), lastAnchor: lastAnchor(), problem })

  const backUp = async (file: string | undefined, actor: Actor, signal: AbortSignal): Promise<Backup> => {
    const { folder, keep } = settings()
    if (file === undefined && folder === null) throw new AppError('input.invalid', 'folder: choose where backups go first')
    const now = clock.now()
    const at = timestamp(now)
    const target = file ?? join(folder ?? '', `waybill-${at.replace(/\.\d+Z$/, 'Z').replaceAll(':', '')}.waybill-backup`)
    refuseInside(target)
    const written = await writeBackup(workspace, { file: target, at, version: deps.version, signal })
    const backup: Backup = { file: target, at, records: deps.records(), ...written }
    audit.record({ actor, type: 'backup.created', subject: BACKUP, data: { ...backup } })
    if (file === undefined && folder !== null) await removeOlder(folder, keep)
    publisher.publish('safekeeping.changed', { at })
    return backup
  }

  /** A backup inside the workspace goes with it. */
  const refuseInside = (path: string): void => {
    const inside = relative(workspace.folder, path)
    if (inside !== '' && !inside.startsWith('..') && !isAbsolute(inside)) throw new AppError('input.invalid', 'choose a place outside the workspace folder: what happens to the one happens to the other')
  }

  /** Why a due backup or anchor did not work is told once, and again only when it is another reason. */
  const attempt = async (what: string, action: () => Promise<unknown>): Promise<string | null> => {
    try {
      await action()
      return null
    } catch (error) {
      const { message } = asAppError(error)
      deps.logger.log('error', `${what} failed`, { problem: message })
      return `${what}: ${message}`
    }
  }

  /** What is due now. */
  const check = async (signal: AbortSignal): Promise<void> => {
    const { folder, everyDays, anchorFolder } = settings()
    const due = (at: string | undefined, days: number): boolean => at === undefined || clock.now() - Date.parse(at) >= days * DAY_MS
    const problems = [
      folder !== null && due(lastBackup()?.at, everyDays) ? await attempt('The backup', async () => await backUp(undefined, systemActor, signal)) : null,
      anchorFolder !== null && due(lastAnchor()?.at, 1) ? await attempt('The anchor of the audit chain', async () => await deps.anchorInto(anchorFolder, systemActor)) : null,
    ].filter((one) => one !== null)
    const before = problem
    problem = problems[0] ?? null
    if (problem !== null && problem !== before) deps.raise({ severity: 'attention', title: 'A copy for safe keeping was not made', body: problem, subject: { kind: 'workspace', id: 'safekeeping' } })
  }

  return {
    state,
    settings,
    lastBackup,
    lastAnchor,
    backUp,
    check,

    async configure(change: { readonly [K in keyof SafekeepingSettings]?: SafekeepingSettings[K] | undefined }, actor: Actor): Promise<SafekeepingState> {
      const wanted = SafekeepingSettings.parse({ ...settings(), ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) })
      for (const folder of [wanted.folder, wanted.anchorFolder])
        if (folder !== null) {
          refuseInside(join(folder, 'x'))
          const found = await stat(folder).catch(() => null)
          if (found?.isDirectory() !== true) throw new AppError('input.invalid', `${folder} is no folder`)
        }
      database.transaction(() => {
        database.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(KEY, JSON.stringify(wanted))
        audit.record({ actor, type: 'safekeeping.configured', subject: BACKUP, data: { ...wanted } })
      })
      publisher.publish('safekeeping.changed', { at: timestamp(clock.now()) })
      // What is due at a new place is made at once.
      wake.abort()
      return state()
    },

    /** From now on, until the signal. */
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        wake = new AbortController()
        await check(signal)
        await clock.sleep(TICK_MS, AbortSignal.any([signal, wake.signal])).catch(() => undefined)
      }
    },
  }
}

const BACKUP = { kind: 'backup', id: 'workspace' } as const
const ANCHOR = { kind: 'anchor', id: 'chain' } as const

/** Only files that bear our name, and only once a newer one is whole. */
async function removeOlder(folder: string, keep: number): Promise<void> {
  const ours = (await readdir(folder)).filter((name) => NAME.test(name)).toSorted().toReversed()
  for (const name of ours.slice(keep)) await rm(join(folder, name), { force: true })
}
