/**
 * Makes the project runnable on a machine that has only Node 20 and npm: installs the locked dependencies, finds a Node
 * that is new enough, builds what is stale. Needs nothing but Node itself.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MINIMUM_NODE = 24
const STAMP = join(ROOT, 'node_modules', '.waybill-lock')

/** What is built, from which sources, by which configuration. */
const TARGETS = {
  core: { config: 'build/vite.core.ts', sources: ['shared', 'build/vite.core.ts'] },
  renderer: { config: 'build/vite.renderer.ts', sources: ['renderer', 'shared/contract', 'shared/client', 'build/vite.renderer.ts'] },
  electron: { config: 'build/vite.electron.ts', parts: ['main', 'preload'], sources: ['electron', 'shared', 'build/vite.electron.ts'] },
}

/** Tells a person what takes time. Standard output belongs to the command that follows. */
function say(text) {
  process.stderr.write(`waybill: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

/** Installs what package-lock.json says when it was not installed yet or has changed since. */
export function ensureDependencies() {
  const wanted = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  withLock('install', () => {
    if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
    say('installing the locked dependencies (once) …')
    run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { shell: process.platform === 'win32' })
    writeFileSync(STAMP, wanted)
  })
}

/** The path of a Node that is new enough: this one, else the pinned one of the lock file. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= MINIMUM_NODE) return process.execPath
  const pinned = join(ROOT, 'node_modules', `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(pinned)) return pinned
  return fail(`Node ${MINIMUM_NODE} or newer is needed, and there is no packaged one for ${process.platform} on ${process.arch}. Install Node ${MINIMUM_NODE} and start again.`)
}

/** Builds those of the targets whose sources changed since they were built. */
export function ensureBuilt(names) {
  const stale = names.filter((name) => existsSync(join(ROOT, TARGETS[name].config)) && isStale(name))
  if (stale.length === 0) return
  withLock('build', () => {
    const node = findNode()
    for (const name of stale.filter(isStale)) {
      say(`building ${name} …`)
      const fingerprint = fingerprintOf(TARGETS[name].sources)
      for (const part of TARGETS[name].parts ?? ['']) {
        run(node, [join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn', '--config', TARGETS[name].config], { env: { ...process.env, WAYBILL_ELECTRON_PART: part } })
      }
      writeFileSync(stampOf(name), fingerprint)
    }
  })
}

function stampOf(name) {
  return join(ROOT, 'dist', `.${name}-built-from`)
}

function isStale(name) {
  return !existsSync(stampOf(name)) || readFileSync(stampOf(name), 'utf8') !== fingerprintOf(TARGETS[name].sources)
}

/** Names, sizes and times of all sources: cheap, and different after every edit. */
function fingerprintOf(sources) {
  const digest = createHash('sha256')
  const add = (path) => {
    const found = statSync(path)
    if (found.isDirectory()) for (const entry of readdirSync(path).sort()) add(join(path, entry))
    else if (!/\.test\.tsx?$/.test(path)) digest.update(`${relative(ROOT, path)}\0${found.size}\0${found.mtimeMs}\n`)
  }
  for (const source of [...sources, 'package-lock.json']) add(join(ROOT, source))
  return digest.digest('hex')
}

/** One process at a time; others wait. A lock that a killed process left is taken over. */
function withLock(name, action) {
  const lock = join(ROOT, `.cache`, `${name}.lock`)
  mkdirSync(dirname(lock), { recursive: true })
  for (let waited = 0; !tryLock(lock); waited += 200) {
    if (waited === 0) say(`waiting for another ${name} to finish …`)
    if (waited > 10 * 60_000) fail(`another ${name} does not finish; if none is running, remove ${relative(ROOT, lock)}`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  try {
    action()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function tryLock(lock) {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch {
    if (!isAbandoned(lock)) return false
    rmSync(lock, { recursive: true, force: true })
    return false
  }
}

function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // ENOENT: its owner is between making the folder and writing its number.
    return error.code === 'ESRCH'
  }
}

/** Runs a tool with its output on standard error; ends this process when it fails. */
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options })
  if (done.status !== 0) fail(`${relative(ROOT, command) || command} ${args.slice(0, 2).join(' ')} failed${done.error ? `: ${done.error.message}` : ` with code ${done.status}`}`)
}
