/** Opens the window: Electron where its binary is or can be had, else a Chromium-family browser, else a printed address. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const hasDisplay = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'])
const FETCH_LIMIT_MS = 180_000

function say(text: string): void {
  process.stderr.write(`waybill: ${text}\n`)
}

/** Path of Electron's binary; fetched once with a time limit when it is missing. Null when it cannot be had. */
function electronBinary(): string | null {
  const folder = join(root, 'node_modules', 'electron')
  const known = (): string | null => {
    const note = join(folder, 'path.txt')
    const binary = existsSync(note) ? join(folder, 'dist', readFileSync(note, 'utf8').trim()) : null
    return binary !== null && existsSync(binary) ? binary : null
  }
  if (known() !== null || process.env['WAYBILL_NO_ELECTRON']) return known()
  say('fetching the desktop runtime (once) …')
  const fetched = spawnSync(process.execPath, [join(folder, 'install.js')], { stdio: 'ignore', timeout: FETCH_LIMIT_MS })
  if (fetched.status !== 0) say('the desktop runtime cannot be fetched here; using a browser window instead')
  return known()
}

const BROWSERS: Readonly<Record<string, readonly string[]>> = {
  linux: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'brave-browser'],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    join(homedir(), 'Applications/Google Chrome.app/Contents/MacOS/Google Chrome'),
  ],
  win32: [process.env['PROGRAMFILES'], process.env['PROGRAMFILES(X86)'], process.env['LOCALAPPDATA']].flatMap((folder) =>
    folder === undefined ? [] : [join(folder, 'Google/Chrome/Application/chrome.exe'), join(folder, 'Microsoft/Edge/Application/msedge.exe')],
  ),
}

function findBrowser(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const name of BROWSERS[process.platform] ?? []) {
    const candidates = name.includes('/') || name.includes('\\') ? [name] : folders.map((folder) => join(folder, name))
    const found = candidates.find((path) => existsSync(path))
    if (found !== undefined) return found
  }
  return null
}

function endWith(child: ChildProcess, cleanUp: () => void = () => undefined): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill('SIGTERM'))
  child.on('exit', (code) => {
    cleanUp()
    process.exitCode = code ?? 0
  })
}

function startBrowserWindow(): void {
  const core = spawn(process.execPath, [join(root, 'dist/core/waybill.js'), ...process.argv.slice(2), 'serve', '--ui', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const browser = hasDisplay ? findBrowser() : null
  endWith(core)
  createInterface({ input: core.stdout }).on('line', (line) => {
    const address = /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/.exec(line)?.[0]
    if (address === undefined || browser === null) {
      process.stdout.write(`${line}\n`)
      return
    }
    // A profile of its own: no extensions, and closing the window ends the program.
    const profile = mkdtempSync(join(tmpdir(), 'waybill-window-'))
    // The address carries the one-time token, so it goes through a file of ours alone: arguments are visible to every user.
    const door = join(profile, 'open.html')
    writeFileSync(door, `<!doctype html><meta charset="utf-8"><title>Waybill</title><script>location.replace(${JSON.stringify(address)})</script>`, { mode: 0o600 })
    const window = spawn(browser, [`--app=${pathToFileURL(door).href}`, `--user-data-dir=${profile}`, '--no-first-run', '--no-default-browser-check', '--window-size=1280,800'], { stdio: 'ignore' })
    window.on('error', () => process.stdout.write(`${line}\n`))
    window.on('exit', () => {
      rmSync(profile, { recursive: true, force: true })
      core.kill('SIGTERM')
    })
  })
}

const electron = hasDisplay ? electronBinary() : null
if (electron === null) startBrowserWindow()
else endWith(spawn(electron, [root, ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, WAYBILL_NODE: process.execPath } }))
