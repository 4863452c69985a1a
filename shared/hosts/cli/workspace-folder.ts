import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readFile } from 'node:fs/promises'
import { AppError, systemCode } from '../../core/kernel/errors.ts'

/** Where the workspace is when nobody says otherwise: the place that the operating system keeps for programs' data. */
export function defaultFolder(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  if (env['WAYBILL_WORKSPACE']) return resolve(env['WAYBILL_WORKSPACE'])
  if (platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'Waybill')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Waybill')
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'waybill')
}

/** The recovery passphrase of a headless run: from a file (its line end is dropped) or from the environment. */
export async function headlessPassphrase(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const file = env['WAYBILL_PASSPHRASE_FILE']
  if (file) {
    try {
      return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
    } catch (error) {
      throw new AppError('workspace.locked', `WAYBILL_PASSPHRASE_FILE: ${file} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
    }
  }
  return env['WAYBILL_PASSPHRASE'] || undefined
}
