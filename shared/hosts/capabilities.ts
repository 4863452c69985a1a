/** Files that a person handed to a window: the page holds a random word for each, never a path. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Clock } from '../core/kernel/clock.ts'

/** A file behind a capability. */
export interface GrantedFile {
  readonly path: string
  /** The name as the person knows it; the file at `path` may be called otherwise. */
  readonly name: string
  readonly size: number
  /** True for an uploaded copy that is ours and goes when the capability goes. */
  readonly spooled: boolean
}

export interface CapabilityStore {
  grant(file: GrantedFile): string
  /** The file, or null when the capability is unknown or has expired. */
  resolve(capability: string): GrantedFile | null
  /** Takes a capability back before its time. */
  release(capability: string): void
  /** Takes every capability back. */
  clear(): void
}

export const CAPABILITY_LIFETIME_MS = 60 * 60 * 1000
const MOST = 10_000

/**
 * Holds at most 10 000 capabilities for an hour each; `onGone` is told of each that goes, whatever the reason.
 * Default: an uploaded copy is removed.
 */
export function createCapabilityStore(options: { readonly clock: Clock; readonly onGone?: (file: GrantedFile) => void }): CapabilityStore {
  const { clock, onGone = removeSpooled } = options
  // In the order of their granting, which is the order in which they expire.
  const granted = new Map<string, { readonly file: GrantedFile; readonly expiresAt: number }>()

  function remove(capability: string): void {
    const entry = granted.get(capability)
    if (entry === undefined) return
    granted.delete(capability)
    onGone(entry.file)
  }

  function sweep(room: number): void {
    for (const [capability, { expiresAt }] of granted) {
      if (expiresAt > clock.now() && granted.size + room <= MOST) break
      remove(capability)
    }
  }

  return {
    grant(file) {
      sweep(1)
      const capability = randomBytes(32).toString('base64url')
      granted.set(capability, { file, expiresAt: clock.now() + CAPABILITY_LIFETIME_MS })
      return capability
    },
    resolve(capability) {
      sweep(0)
      return granted.get(capability)?.file ?? null
    },
    release: remove,
    clear() {
      for (const capability of granted.keys()) remove(capability)
    },
  }
}

function removeSpooled(file: GrantedFile): void {
  // What cannot be removed now goes when the spool folder is cleared at the next start.
  if (file.spooled) rm(file.path, { force: true }).catch(() => undefined)
}
