/** One folder with everything of one installation. */
import { z } from 'zod'
import { Fact, Nothing, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { WireError } from './errors/index.ts'
import { restoring } from './safekeeping.ts'

/**
 * `missing`: nothing there yet. `locked`: there, but the key is needed. `moving`: an older database is moved to the present structure, see
 * `moving`. `open`: ready. `failed`: cannot be opened, see `error`.
 */
export const WorkspaceStatus = z.object({
  state: z.enum(['missing', 'locked', 'moving', 'open', 'failed']),
  folder: z.string(),
  version: z.string(),
  /** Whether this computer's keychain answers; false means that only the passphrase opens the workspace. */
  keychainAvailable: z.boolean(),
  /** Whether the key is stored in the keychain. */
  keyInKeychain: z.boolean(),
  createdAt: Timestamp.nullable(),
  error: WireError.nullable(),
  /** `copy`: the old database is put aside first. */
  moving: z.object({ stage: z.enum(['copy', 'move']), from: z.number().int(), to: z.number().int(), percent: z.number().int() }).nullable().default(null),
})
export type WorkspaceStatus = z.infer<typeof WorkspaceStatus>

export const CheckResult = z.object({
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  detail: z.string(),
  remedy: z.string().nullable(),
})
export type CheckResult = z.infer<typeof CheckResult>

export const DoctorReport = z.object({ ok: z.boolean(), at: Timestamp, checks: z.array(CheckResult), facts: z.array(Fact) })
export type DoctorReport = z.infer<typeof DoctorReport>

/** What a person may set for this installation. */
export const Settings = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  /** What closing the window does: `ask` until the person has chosen once. */
  onClose: z.enum(['ask', 'tray', 'quit']),
  notifications: z.boolean(),
  /** What runs by itself waits on a network that is paid by volume. */
  metered: z.enum(['wait', 'send']),
  /** Kept free on the disk of the workspace; below it nothing is received or opened. */
  diskReserveMiB: z.number().int().min(16).max(1_000_000),
  /** Start without a window when this user signs in; of the desktop. */
  startAtLogin: z.boolean(),
  /** The computer does not fall asleep in the middle of a transfer; of the desktop. */
  keepAwake: z.boolean(),
})
export type Settings = z.infer<typeof Settings>

export const workspace = {
  status: procedure('read', Nothing, WorkspaceStatus, { beforeOpen: true }),
  /** Creates the workspace; the passphrase is the recovery passphrase, at least 10 characters. */
  create: procedure(
    'dangerous',
    z.object({ passphrase: z.string().max(1024), useKeychain: z.boolean().default(true) }),
    WorkspaceStatus,
    { beforeOpen: true },
  ),
  unlock: procedure(
    'dangerous',
    z.object({ passphrase: z.string().max(1024), rememberInKeychain: z.boolean().default(true) }),
    WorkspaceStatus,
    { beforeOpen: true },
  ),
  doctor: procedure('read', Nothing, DoctorReport, { beforeOpen: true }),
  ...restoring,
  settings: procedure('read', Nothing, Settings),
  changeSettings: procedure('write', Settings.partial(), Settings),
  settingsChanged: topic(Settings),
  changed: topic(WorkspaceStatus),
} as const
