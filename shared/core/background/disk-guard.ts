/** Keeps a reserve on the disk of the workspace: nothing is received or opened below it, so that what runs can still be written down. */
import type { DiskState } from '../../contract/background.ts'
import { AppError } from '../kernel/errors.ts'
import type { PayloadStore } from '../store/payload-store.ts'
import { isLow } from './rules.ts'

export interface DiskGuard {
  state(): DiskState
  /** Measures; answers the state. */
  look(): Promise<DiskState>
  /** Measures unless so little is wanted that the last look, a moment ago, has room for much more. Rejects with `workspace.disk_low` when so many bytes more would reach into the reserve. */
  require(bytes: number): Promise<void>
}

const MIB = 1024 * 1024
/** With so much room, and for a copy that is small beside it, one look a second is enough. */
const AMPLE_BYTES = 512 * MIB
const SMALL_BYTES = MIB
const LOOK_EVERY_MS = 1000

export function createDiskGuard(deps: { readonly freeBytes: () => Promise<number>; readonly reserveMiB: () => number; /** False when it could not be written down. */ readonly tell: (state: DiskState) => boolean }): DiskGuard {
  let state: DiskState = { low: false, freeBytes: 0, reserveBytes: deps.reserveMiB() * MIB }
  let lookedAt = -Infinity

  const look = async (): Promise<DiskState> => {
    const reserveBytes = deps.reserveMiB() * MIB
    // A disk that cannot be asked is not refused: writing will tell.
    const freeBytes = await deps.freeBytes().catch(() => Number.MAX_SAFE_INTEGER)
    lookedAt = performance.now()
    const now = { low: isLow(freeBytes, reserveBytes, state.low), freeBytes, reserveBytes }
    // A disk that is quite full takes no record of it: the next look tells then.
    if (now.low === state.low || deps.tell(now)) state = now
    return now
  }

  return {
    state: () => state,
    look,
    async require(bytes) {
      if (bytes < SMALL_BYTES && !state.low && state.freeBytes - state.reserveBytes > AMPLE_BYTES && performance.now() - lookedAt < LOOK_EVERY_MS) return
      const { low, freeBytes, reserveBytes } = await look()
      if (!low && freeBytes - bytes >= reserveBytes) return
      throw new AppError('workspace.disk_low', `${inMiB(freeBytes)} MiB are free, ${inMiB(bytes)} MiB are needed, and ${inMiB(reserveBytes)} MiB are kept in reserve`, {
        details: { free: `${inMiB(freeBytes)} MiB`, needed: `${inMiB(bytes)} MiB`, reserve: `${inMiB(reserveBytes)} MiB` },
      })
    },
  }
}

function inMiB(bytes: number): number {
  return Math.ceil(bytes / MIB)
}

/** The same store, which takes nothing in while there is too little space. */
export function guardedPayloads(payloads: PayloadStore, guard: DiskGuard): PayloadStore {
  return {
    ...payloads,
    async ingest(path, options) {
      await guard.require(0)
      return await payloads.ingest(path, options)
    },
    async take(content, options) {
      await guard.require(options.size)
      return await payloads.take(content, options)
    },
  }
}
