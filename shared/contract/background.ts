/** What surrounds the work: the network, the disk, and connections that are left alone for a while. */
import { z } from 'zod'
import { Nothing, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { WireError } from './errors/index.ts'

/**
 * `offline`: nothing that needs the network is tried by itself. `metered`: the same, where the settings say so. `observed`: nobody
 * told, but nothing could be reached over several connections; now and then one delivery tries whether that is over.
 */
export const NetworkState = z.object({ state: z.enum(['online', 'offline', 'metered']), since: Timestamp, source: z.enum(['system', 'observed']) })
export type NetworkState = z.infer<typeof NetworkState>

/** A connection that could not be reached several times in a row: nothing is tried there by itself before `nextTryAt`. */
export const LeftAlone = z.object({ partner: Slug, connection: Slug, failures: z.number().int(), since: Timestamp, nextTryAt: Timestamp, error: WireError })
export type LeftAlone = z.infer<typeof LeftAlone>

export const DiskState = z.object({
  /** Nothing is received, opened or taken over while it is low. */
  low: z.boolean(),
  freeBytes: z.number(),
  reserveBytes: z.number(),
})
export type DiskState = z.infer<typeof DiskState>

export const BackgroundStatus = z.object({
  network: NetworkState,
  disk: DiskState,
  leftAlone: z.array(LeftAlone),
  /** Deliveries that wait for the network or for a connection, without losing a try. */
  postponed: z.number().int(),
  /** Transfers under way, in both directions: while there are any, the computer should not fall asleep. */
  transfers: z.number().int(),
})
export type BackgroundStatus = z.infer<typeof BackgroundStatus>

export const background = {
  status: procedure('read', Nothing, BackgroundStatus),
  /** From the desktop. Null: it does not know. */
  tellNetwork: procedure('write', z.object({ online: z.boolean().nullable(), metered: z.boolean().nullable() }), BackgroundStatus),
  /** What waits for this connection is tried at once. */
  tryAgain: procedure('dangerous', z.object({ partner: Slug, connection: Slug.optional() }), BackgroundStatus),
  changed: topic(BackgroundStatus),
} as const
