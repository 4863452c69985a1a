/** `npm start`, `npm test`, `npm run demo|check|build|dist`: sets up what is missing, then does it. Needs nothing but Node. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, ensureDependencies, findNode, ROOT } from './prepare.mjs'

const [task = '', ...rest] = process.argv.slice(2)

/** Runs a script under the right Node and ends with its exit code. */
function hand(script, args) {
  const child = spawn(findNode(), [join(ROOT, script), ...args], { cwd: ROOT, stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

const tasks = {
  start() {
    ensureBuilt(['core', 'renderer', 'electron'])
    hand('build/start.ts', rest)
  },
  demo() {
    ensureBuilt(['core'])
    hand('dist/core/waybill.js', ['demo', ...rest])
  },
  test() {
    ensureBuilt(['core', 'renderer', 'electron'])
    hand('build/test.ts', rest)
  },
  /** `npm run campaign -- 1000`: flows on every protocol through a storm of faults; needs the peers of build/ci/install-peers.sh. */
  campaign() {
    ensureBuilt(['core'])
    process.env.WAYBILL_CAMPAIGN = rest[0] ?? '1000'
    hand('node_modules/vitest/vitest.mjs', ['run', '--config', 'build/vitest.config.ts', '--project', 'e2e', 'e2e/campaigns'])
  },
  check() {
    hand('build/test.ts', ['--check', ...rest])
  },
  build() {
    ensureBuilt(['core', 'renderer', 'electron'])
  },
  dist() {
    ensureBuilt(['core', 'renderer', 'electron'])
    const done = spawnSync(findNode(), [join(ROOT, 'node_modules', 'electron-builder', 'out', 'cli', 'cli.js'), '--config', 'build/electron-builder.ts', ...rest], { cwd: ROOT, stdio: 'inherit' })
    process.exitCode = done.status ?? 1
  },
}

if (!Object.hasOwn(tasks, task)) {
  process.stderr.write(`usage: node build/run.mjs ${Object.keys(tasks).join('|')}\n`)
  process.exit(2)
}
ensureDependencies()
tasks[task]()
