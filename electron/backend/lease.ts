/** Finds the core that owns a workspace: by the note that it leaves in the folder, readable by its owner only. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { SocketAddress } from '../../shared/hosts/socket/client.ts'

const Lease = z.object({ socketPath: z.string().min(1).max(1024), token: z.string().min(16).max(200) })

/** Where the owner listens, as a window; null when the folder has no (readable) note. Whether the owner is alive is not known. */
export async function readAddress(folder: string): Promise<SocketAddress | null> {
  try {
    const parsed = Lease.safeParse(JSON.parse(await readFile(join(folder, 'lease.json'), 'utf8')))
    return parsed.success ? { ...parsed.data, actorKind: 'window' } : null
  } catch {
    return null
  }
}
