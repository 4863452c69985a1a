/** Starts Waybill without a window when this user signs in, as the settings say. */
import { app } from 'electron'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { Logger } from '../../shared/core/kernel/logger.ts'

const FILE = 'waybill.desktop'

/** A word as `Exec` of a desktop entry wants it (Desktop Entry Specification, "The Exec key"). */
function quoted(word: string): string {
  return `"${word.replaceAll(/["`$\\]/g, '\\$&').replaceAll('\\', '\\\\').replaceAll('%', '%%')}"`
}

/** The autostart entry of a Linux desktop. `command`: program and arguments. */
export function desktopEntry(command: readonly string[]): string {
  return ['[Desktop Entry]', 'Type=Application', 'Name=Waybill', 'Comment=Exchange files with trading partners', `Exec=${command.map(quoted).join(' ')}`, 'Terminal=false', 'X-GNOME-Autostart-enabled=true', ''].join('\n')
}

/** What starts this very program hidden: an AppImage by its own file, which is mounted anew each time. */
export function startCommand(place: { readonly execPath: string; readonly appPath: string; readonly packaged: boolean; readonly workspace: string | null; readonly env: Readonly<Record<string, string | undefined>> }): string[] {
  const program = place.packaged ? [place.env['APPIMAGE'] ?? place.execPath] : [place.execPath, place.appPath]
  return [...program, ...(place.workspace === null ? [] : ['--workspace', place.workspace]), '--hidden']
}

async function apply(wanted: boolean, command: readonly string[]): Promise<void> {
  if (process.platform !== 'linux') {
    app.setLoginItemSettings({ openAtLogin: wanted, path: command[0] ?? '', args: command.slice(1) })
    return
  }
  const folder = join(app.getPath('appData'), 'autostart')
  if (!wanted) return await rm(join(folder, FILE), { force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, FILE), desktopEntry(command), { mode: 0o644 })
}

/** Applies the setting now and whenever it changes; returns its own stop. */
export function followAutostart(client: WaybillClient, workspace: string | null, logger: Logger): () => void {
  const command = startCommand({ execPath: process.execPath, appPath: app.getAppPath(), packaged: app.isPackaged, workspace, env: process.env })
  let applied: boolean | null = null
  const set = (wanted: boolean): void => {
    if (wanted === applied) return
    applied = wanted
    apply(wanted, command).catch((error: unknown) => logger.log('warn', 'the login item could not be changed', { problem: String(error) }))
  }
  const look = (): void => void client.workspace.settings({}).then(({ startAtLogin }) => set(startAtLogin), () => undefined)
  const stops = [client.workspace.onSettingsChanged(({ startAtLogin }) => set(startAtLogin)), client.workspace.onChanged(look)]
  look()
  return () => {
    for (const stop of stops) stop()
  }
}
