/** The core as a host sees it: handlers for the whole contract, whether a workspace is open or not. */
import type { DoctorReport, WorkspaceStatus } from '../contract/workspace.ts'
import type { WaybillHandlers } from '../contract/index.ts'
import type { OpenDomains } from './graph/options.ts'
import { buildOpenGraph, type OpenGraph } from './open-graph.ts'
import type { CallContext, ResolveFile } from './kernel/call-context.ts'
import type { Clock } from './kernel/clock.ts'
import { AppError, asAppError, toWireError } from './kernel/errors.ts'
import { createEventBus, type EventBus } from './kernel/events.ts'
import type { Logger } from './kernel/logger.ts'
import type { Patience } from './kernel/patience.ts'
import type { PracticePort } from './practice/port.ts'
import { runDoctor, type SelfTest } from './workspace/doctor.ts'
import type { Keychain } from './workspace/keychain.ts'
import { createWorkspace, openWorkspace, type OpenOptions, type Workspace } from './workspace/open-workspace.ts'
import { readEnvelope } from './workspace/envelope.ts'
import { inspectionBy } from './restored.ts'
import { restoreBackup, verifyBackup } from './safekeeping/restore.ts'
import { createSettings } from './workspace/settings.ts'
import type { Moving } from './store/moving.ts'

export interface CoreOptions {
  /** Absolute path of the workspace folder; the caller holds its lease. */
  readonly folder: string
  readonly version: string
  /** When the program was built; null in development. */
  readonly builtAt?: string | null
  /** The environment, for what rules say of files that it names. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly keychain: Keychain
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly resolveFile: ResolveFile
  readonly practice: PracticePort
  readonly selfTests: readonly SelfTest[]
  /** `background`: deliveries that wait are resumed by themselves. `on-demand`: only what a call asks for runs. */
  readonly mode: 'background' | 'on-demand'
  /** Told while an older database is moved to the present structure. */
  readonly onMoving?: (progress: Moving) => Promise<void> | void
}

export interface Core {
  readonly handlers: WaybillHandlers<CallContext>
  readonly bus: EventBus
  /** Why the workspace is not open, or null when it is. */
  whyClosed(): AppError | null
  /** Opens the workspace with the passphrase given, else with the keychain. Remembers why it could not. */
  open(passphrase: string | undefined): Promise<void>
  /** Lets what runs end, within the patience given, or at a safe point; then closes everything. */
  close(patience?: Patience): Promise<void>
  /** Reads files again that were read once, and looks at network, disk and clock at once. Never rejects. */
  reload(): Promise<void>
}

interface Opened {
  readonly workspace: Workspace
  readonly graph: OpenGraph
}

export function createCore(options: CoreOptions): Core {
  const { folder, keychain, clock } = options
  const bus = createEventBus()
  let opened: Opened | null = null
  let moving: Moving | null = null
  let ending = false
  let closed: AppError = new AppError('workspace.missing', `${folder} holds no workspace`)

  const requireOpen = (): Opened => {
    if (opened === null) throw closed
    return opened
  }

  const take = (workspace: Workspace): void => {
    const graph = buildOpenGraph({ ...options, workspace, publisher: bus })
    opened = { workspace, graph }
    if (options.mode === 'background') graph.start()
  }

  const status = async (): Promise<WorkspaceStatus> => {
    const envelope = opened === null ? await readEnvelope(folder).catch(() => null) : null
    return {
      state: opened !== null ? 'open' : moving !== null ? 'moving' : stateOf(closed),
      folder,
      version: options.version,
      keychainAvailable: await keychain.available(),
      keyInKeychain: opened?.workspace.keyInKeychain ?? false,
      createdAt: opened?.workspace.createdAt ?? envelope?.createdAt ?? null,
      moving: opened === null ? moving : null,
      error: opened === null && closed.code !== 'workspace.missing' ? toWireError(closed) : null,
    }
  }

  const announce = async (): Promise<WorkspaceStatus> => {
    const now = await status()
    bus.publish('workspace.changed', now)
    return now
  }

  const onMoving = async (progress: Moving): Promise<void> => {
    if (ending) throw new AppError('call.cancelled', 'Waybill is ending')
    const isNews = moving?.percent !== progress.percent || moving.stage !== progress.stage
    moving = progress
    closed = new AppError('workspace.moving', `${progress.percent} % of the workspace is moved to structure ${progress.to}`)
    if (!isNews) return
    await announce().catch(() => undefined)
    await options.onMoving?.(progress)
  }

  const open = async (passphrase: string | undefined, remember: OpenOptions['remember']): Promise<void> => {
    try {
      take(await openWorkspace({ folder, keychain, clock, remember, onMoving, ...(passphrase === undefined ? {} : { passphrase }) }))
    } catch (error) {
      closed = asAppError(error)
      throw closed
    } finally {
      if (moving !== null) {
        moving = null
        await announce().catch(() => undefined)
      }
    }
  }

  const doctor = async (): Promise<DoctorReport> =>
    await runDoctor({ folder, keychain, clock, selfTests: options.selfTests, workspace: opened?.workspace ?? null, lastAuditAt: opened?.graph.lastAuditAt() ?? null })

  return {
    bus,
    whyClosed: () => (opened === null ? closed : null),
    open: async (passphrase) => await open(passphrase, 'if-lost'),
    async reload() {
      await opened?.graph.reload().catch((error: unknown) => options.logger.log('error', 'not everything could be read again', { problem: asAppError(error).message }))
    },
    async close(patience) {
      ending = true
      const last = opened
      if (last === null) return
      await last.graph.stop(patience)
      opened = null
      await last.workspace.close()
    },
    handlers: {
      workspace: {
        status: async () => await status(),
        async create({ passphrase, useKeychain }) {
          take(await createWorkspace({ folder, keychain, clock, passphrase, useKeychain }))
          return await announce()
        },
        async unlock({ passphrase, rememberInKeychain }) {
          if (opened === null) await open(passphrase, rememberInKeychain ? 'yes' : 'no')
          return await announce()
        },
        doctor: async () => await doctor(),
        verifyBackup: async ({ file, passphrase }, { actor }) => await verifyBackup(options.resolveFile(file).path, passphrase === undefined ? { workspace: requireOpen().workspace } : { passphrase }, inspectionBy(actor, clock)),
        async restore({ file, passphrase }, { actor }) {
          if (opened !== null) throw new AppError('workspace.exists', `${folder} holds a workspace`)
          const result = await restoreBackup(options.resolveFile(file).path, passphrase, { folder, inspection: inspectionBy(actor, clock) })
          await open(passphrase, 'no')
          await announce()
          return result
        },
        settings: () => createSettings(requireOpen().workspace.database).get(),
        changeSettings(change) {
          const now = createSettings(requireOpen().workspace.database).change(change)
          bus.publish('workspace.settingsChanged', now)
          return now
        },
      },
      ...forwarded(() => requireOpen().graph.handlers),
    },
  }
}

function stateOf(error: AppError): WorkspaceStatus['state'] {
  if (error.code === 'workspace.missing') return 'missing'
  const locked: readonly string[] = ['workspace.locked', 'workspace.wrong_passphrase', 'workspace.wrong_key', 'workspace.keychain_lost_key', 'workspace.keychain_unavailable', 'workspace.passphrase_needed']
  return locked.includes(error.code) ? 'locked' : 'failed'
}

/** The domains' handlers as one object that exists before a workspace does; each call looks up the open graph. */
function forwarded(current: () => OpenDomains): OpenDomains {
  const domain = <D extends keyof OpenDomains>(name: D): OpenDomains[D] =>
    new Proxy({} as OpenDomains[D], {
      get: (_, method) => Reflect.get(current()[name], method),
    })
  return {
    station: domain('station'),
    expectations: domain('expectations'),
    partners: domain('partners'),
    practice: domain('practice'),
    trust: domain('trust'),
    policy: domain('policy'),
    cards: domain('cards'),
    rollover: domain('rollover'),
    deliveries: domain('deliveries'),
    flows: domain('flows'),
    background: domain('background'),
    as2: domain('as2'),
    notifications: domain('notifications'),
    audit: domain('audit'),
    evidence: domain('evidence'),
    safekeeping: domain('safekeeping'),
    posture: domain('posture'),
  }
}
