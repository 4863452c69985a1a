/** How the core is started: the pinned Node, running the very bytes that `waybill serve` runs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface CoreCommand {
  readonly node: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface CorePlace {
  /** Folder that holds `dist/`: the repository, or the archive of the packaged app. */
  readonly appRoot: string
  readonly packaged: boolean
  /** Electron's `process.resourcesPath`. */
  readonly resources: string
  readonly platform: string
  readonly arch: string
}

/** The command for the workspace in `folder`. Packaged apps take nothing from the environment that could name another program. */
export function coreCommand(place: CorePlace, folder: string, env: Readonly<Record<string, string | undefined>>): CoreCommand {
  // The pinned Node reads no archives: what it runs lies beside it.
  const root = place.packaged ? join(place.resources, 'app.asar.unpacked') : place.appRoot
  return {
    node: place.packaged ? join(place.resources, 'node', nodeName(place.platform)) : developmentNode(place, env),
    args: [join(root, 'dist', 'core', 'waybill.js'), '--workspace', folder, '--json', 'serve', '--supervised'],
    env: { ...coreEnvironment(env), ...(process.versions['electron'] === undefined ? {} : { WAYBILL_SHELL: process.versions['electron'] }) },
  }
}

function nodeName(platform: string): string {
  return platform === 'win32' ? 'node.exe' : 'node'
}

function developmentNode({ appRoot, platform, arch }: CorePlace, env: Readonly<Record<string, string | undefined>>): string {
  const pinned = join(appRoot, 'node_modules', `node-${platform === 'win32' ? 'win' : platform}-${arch}`, 'bin', nodeName(platform))
  return existsSync(pinned) ? pinned : (env['WAYBILL_NODE'] ?? 'node')
}

/** Without what would change how Node or Electron run. */
function coreEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !/^(NODE_(?!EXTRA_CA_CERTS$)|ELECTRON_|CHROME_|LD_PRELOAD$|DYLD_)/i.test(name)) kept[name] = value
  }
  return kept
}
