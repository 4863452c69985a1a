#!/usr/bin/env node
/** The command line from a checkout: makes sure that everything is there, then hands over. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, ensureDependencies, findNode, ROOT } from './prepare.mjs'

ensureDependencies()
ensureBuilt(process.argv.includes('--ui') ? ['core', 'renderer'] : ['core'])

const child = spawn(findNode(), [join(ROOT, 'dist', 'core', 'waybill.js'), ...process.argv.slice(2)], { stdio: 'inherit' })
// The terminal tells the whole group already; what is sent to this process alone is passed on.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2', 'SIGHUP']) if (process.platform !== 'win32' || signal !== 'SIGUSR2') process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`waybill: ${error.message}\n`)
  process.exitCode = 1
})
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
