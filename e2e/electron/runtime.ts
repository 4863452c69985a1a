/** Where the ring's runtime is, if anywhere. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

export interface Runtime {
  readonly path: string
  readonly xvfb: string
}

/** Null with the reason where something is missing; throws where nothing may be skipped. */
export function findRuntime(): { readonly runtime: Runtime | null; readonly note: string } {
  const path = [join(ROOT, 'node_modules/electron/dist/electron'), process.env['WAYBILL_ELECTRON_RING'] ?? '', join(ROOT, '.peers/electron-ring/electron')].find((candidate) => candidate !== '' && existsSync(candidate))
  const xvfb = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'Xvfb')).find((candidate) => existsSync(candidate))
  if (path !== undefined && xvfb !== undefined) return { runtime: { path, xvfb }, note: '' }
  const missing = path === undefined ? 'an Electron runtime, bash build/ci/electron-ring.sh' : 'Xvfb, apt-get install xvfb'
  if (process.env['WAYBILL_REQUIRE_PEERS'] === '1' && process.platform === 'linux') throw new Error(`required here: ${missing}`)
  return { runtime: null, note: ` (skipped: needs ${missing})` }
}
