/** What can be known of this computer without asking anybody. */
import { homedir } from 'node:os'
import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { diskTime } from '../workspace/disk-time.ts'
import type { PlatformFacts } from './facts.ts'

export async function platformFacts(options: { readonly folder: string; readonly clock: Clock; readonly keyInKeychain: boolean; readonly receiver: PlatformFacts['receiver']; readonly failedPrimitives: () => readonly string[]; readonly keychainAnswered: boolean | null; readonly builtAt: string | null; readonly grownBytes: () => number; readonly env: Readonly<Record<string, string | undefined>> }): Promise<PlatformFacts> {
  const { folder, clock } = options
  const [facts, space] = await Promise.all([stat(folder), statfs(folder)])
  return {
    nodeVersion: process.versions.node,
    keychainAnswered: options.keychainAnswered,
    builtAt: options.builtAt,
    // The shell tells its own version to the core that it starts.
    shellVersion: options.env['WAYBILL_SHELL'] ?? null,
    secretFiles: await secretFiles(options.env),
    grownBytes: options.grownBytes(),
    keyInKeychain: options.keyInKeychain,
    folder,
    // Windows has access lists instead, and Node shows made-up bits.
    folderMode: process.platform === 'win32' ? null : facts.mode & 0o777,
    freeBytes: space.bavail * space.bsize,
    failedPrimitives: options.failedPrimitives(),
    clockSkewMs: (await diskTime(folder)) - clock.now(),
    receiver: options.receiver,
  }
}

/** Files outside the workspace that hold secrets of ours, with their permission bits. */
async function secretFiles(env: Readonly<Record<string, string | undefined>>): Promise<PlatformFacts['secretFiles']> {
  if (process.platform === 'win32') return []
  const known = [
    { what: 'passphrase' as const, file: env['WAYBILL_PASSPHRASE_FILE'] },
    { what: 's3-profile' as const, file: env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(env['HOME'] ?? homedir(), '.aws', 'credentials') },
  ]
  const found = await Promise.all(known.map(async ({ what, file }) => (file === undefined ? [] : await stat(file).then(({ mode }) => [{ what, file, mode: mode & 0o777 }], () => []))))
  return found.flat()
}
