/** How a command reaches the core: through the running owner of the workspace, or by owning it for the length of the command. */
import { existsSync } from 'node:fs'
import { createClient } from '../../client/create-client.ts'
import { contract, type WaybillClient } from '../../contract/index.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { AppError } from '../../core/kernel/errors.ts'
import { streamLogger } from '../../core/kernel/logger.ts'
import { systemUser } from '../../core/kernel/system-user.ts'
import { readLease } from '../../core/workspace/lease.ts'
import { startCoreHost } from '../core-host.ts'
import { connectSocket } from '../socket/client.ts'
import { VERSION } from '../version.ts'
import { headlessPassphrase } from './workspace-folder.ts'

export interface Joined {
  readonly client: WaybillClient
  /** It was opened here, and ends with `close`. */
  readonly owner: boolean
  close(): Promise<void>
}

/** How long another command that owns the workspace for a moment is waited for. */
const PATIENCE_MS = 5_000

/** Rejects with a `workspace.*` error. `create`: the folder may be made, and need not hold a workspace. */
export async function joinOrOpen(folder: string, options: { readonly create: boolean }): Promise<Joined> {
  if (!options.create && !existsSync(folder)) throw new AppError('workspace.missing', `${folder} does not exist`)
  const until = systemClock.now() + PATIENCE_MS
  for (;;) {
    const joined = await joinOwner(folder)
    if (joined !== null) return joined
    try {
      return await openHere(folder, options.create)
    } catch (error) {
      // The owner may be starting (its socket is not there yet) or ending (its lease is not free yet).
      if (!(error instanceof AppError) || error.code !== 'workspace.in_use' || systemClock.now() > until) throw error
      await systemClock.sleep(200)
    }
  }
}

async function joinOwner(folder: string): Promise<Joined | null> {
  const owner = await readLease(folder)
  if (owner?.socketPath === undefined || owner.token === undefined) return null
  try {
    const transport = await connectSocket({ socketPath: owner.socketPath, token: owner.token, actorKind: 'cli' })
    return {
      client: createClient(contract, transport),
      owner: false,
      close: async () => {
        transport.close()
        await Promise.resolve()
      },
    }
  } catch {
    // A killed owner leaves its note behind; whether it is alive is decided by the lock.
    return null
  }
}

async function openHere(folder: string, create: boolean): Promise<Joined> {
  const host = await startCoreHost({
    folder,
    version: VERSION,
    passphrase: await headlessPassphrase(process.env),
    mode: 'on-demand',
    awaitOpening: create,
    ui: null,
    logger: streamLogger(process.stderr, 'warn'),
  })
  return { client: host.client({ kind: 'cli', name: systemUser() }), owner: true, close: async () => await host.close() }
}
