/** What can be known of this computer without asking anybody. */
import { randomBytes } from 'node:crypto'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { PlatformFacts } from './facts.ts'

export async function platformFacts(options: { readonly folder: string; readonly clock: Clock; readonly keyInKeychain: boolean; readonly receiver: PlatformFacts['receiver']; readonly failedPrimitives: () => readonly string[] }): Promise<PlatformFacts> {
  const { folder, clock } = options
  const [facts, space] = await Promise.all([stat(folder), statfs(folder)])
  return {
    nodeVersion: process.versions.node,
    keychainAvailable: null,
    keyInKeychain: options.keyInKeychain,
    folder,
    // Windows has access lists instead, and Node shows made-up bits.
    folderMode: process.platform === 'win32' ? null : facts.mode & 0o777,
    freeBytes: space.bavail * space.bsize,
    failedPrimitives: options.failedPrimitives(),
    clockSkewMs: await clockSkew(folder, clock),
    receiver: options.receiver,
  }
}

/** The time that the file system gives to a new file, minus ours: on a network share that is another computer's clock. */
async function clockSkew(folder: string, clock: Clock): Promise<number> {
  const probe = join(folder, `.clock-${randomBytes(4).toString('hex')}.tmp`)
  try {
    await (await open(probe, 'wx', 0o600)).close()
    return (await stat(probe)).mtimeMs - clock.now()
  } finally {
    await rm(probe, { force: true })
  }
}
