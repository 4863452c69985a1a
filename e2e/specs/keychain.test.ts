import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'

const peers = [findPeer('gnome-keyring-daemon'), findPeer('dbus-run-session')]
const root = join(import.meta.dirname, '../..')

/** Each line: the exit code of a command and the code of its error. */
const SESSION = `
set -eu
printf 'login password' | gnome-keyring-daemon --unlock --components=secrets >"$HOME/daemon.log" 2>&1
waybill() { code=0; "$NODE" "$ROOT/dist/core/waybill.js" --workspace "$HOME/workspace" --json "$@" >"$HOME/out" 2>>"$HOME/err" || code=$?; printf '%s %s\\n' "$code" "$(sed -n 's/^ *"code": "\\(.*\\)",*$/\\1/p' "$HOME/out" | head -n 1)"; }
forget() { ACCOUNT=$(sed -n 's/.*"account": *"\\([^"]*\\)".*/\\1/p' "$HOME/workspace/workspace.json") "$NODE" "$HOME/forget.mjs"; }
WAYBILL_PASSPHRASE='correct horse battery' waybill init
waybill partner list
forget || true
waybill partner list
WAYBILL_PASSPHRASE='correct horse battery' waybill partner list
waybill partner list
`

/** Takes the key out of the keychain, as a person or a new installation of the system would. */
const FORGET = `
import { createRequire } from 'node:module'
const { AsyncEntry } = createRequire(process.env.ROOT + '/package.json')('@napi-rs/keyring')
await new AsyncEntry('Waybill', process.env.ACCOUNT, { linux: { store: 'secret-service' } }).deletePassword()
`

describe.skipIf(peers.some(({ absent }) => absent))(`the keychain of the desktop${peers.map(({ note }) => note).join('')}`, () => {
  let home: string

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'waybill-keychain-'))
    writeFileSync(join(home, 'session.sh'), SESSION)
    writeFileSync(join(home, 'forget.mjs'), FORGET)
  })
  afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))

  const session = async (): Promise<string[]> => {
    const env = { HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: join(home, 'data'), PATH: process.env['PATH'] ?? '', NODE: process.execPath, ROOT: root, LANG: 'C.UTF-8' }
    const { stdout } = await promisify(execFile)('dbus-run-session', ['--', 'bash', join(home, 'session.sh')], { env, timeout: 120_000 })
    return stdout.trimEnd().split('\n').map((line) => line.trim())
  }

  it('opens the workspace by itself; a lost key asks for the passphrase, and is stored again, never made anew', async () => {
    expect(await session()).toEqual(['0', '0', '5 workspace.keychain_lost_key', '0', '0'])
  })

  it('without one, a workspace asks for its passphrase', async () => {
    writeFileSync(join(home, 'session.sh'), SESSION.replace(/^printf .*$/m, ''))
    expect(await session()).toEqual(['0', '5 workspace.locked', '5 workspace.locked', '0', '5 workspace.locked'])
  })
})
