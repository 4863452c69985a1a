/**
 * All tests in the order in which they fail cheapest. `--check` stops after types, lint, layers and unit tests.
 * Peers that are absent are named as skipped; with WAYBILL_REQUIRE_PEERS=1 (continuous integration) a skip is a failure.
 * The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const checkOnly = process.argv.includes('--check')
const strict = process.env['WAYBILL_REQUIRE_PEERS'] === '1'
const bin = (name: string, file: string): string => join(root, 'node_modules', name, file)

let passed = 0
let failed = 0
const skipped: string[] = []

/** Runs a tool to its end; its output goes straight to the terminal. What hundreds of processes load is compiled once. */
function step(name: string, script: string, args: readonly string[]): boolean {
  process.stdout.write(`\n── ${name}\n`)
  const done = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 1, 2], env: { ...process.env, NODE_COMPILE_CACHE: join(root, '.cache/code') } })
  return done.status === 0
}

function count(ok: boolean, name: string): void {
  if (ok) passed += 1
  else {
    failed += 1
    process.stdout.write(`✕ ${name}\n`)
  }
}

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
})

function vitest(...projects: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-test-'))
  const file = join(folder, 'report.json')
  try {
    const ok = step(`${projects.join(' and ')} tests`, bin('vitest', 'vitest.mjs'), ['run', '--config', 'build/vitest.config.ts', ...projects.flatMap((project) => ['--project', project]), '--passWithNoTests', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`])
    const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')))
    passed += report.numPassedTests
    failed += report.numFailedTests
    // A file that fails before its tests are known (a bad import, a failing hook) has no failed test of its own.
    const broken = report.testResults.filter((result) => result.status === 'failed' && !result.assertionResults.some(({ status }) => status === 'failed'))
    failed += broken.length
    if (!ok && report.numFailedTests + broken.length === 0) failed += 1
    for (const result of report.testResults)
      for (const { status, fullName } of result.assertionResults) if (status !== 'passed' && status !== 'failed') skipped.push(fullName)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

for (const project of ['shared/contract', 'shared/core', 'electron', 'electron/preload', 'renderer', 'build'])
  count(step(`types: ${project}`, bin('typescript', 'bin/tsc'), ['-p', project]), `types: ${project}`)
count(step('lint', bin('oxlint', 'bin/oxlint'), ['--deny-warnings', 'shared', 'electron', 'renderer', 'build', 'e2e']), 'lint')
count(step('layers', join(root, 'build/layers.ts'), []), 'layers')
vitest('unit')
if (!checkOnly) vitest('peers', 'e2e')

if (skipped.length > 0) {
  process.stdout.write(`\n${skipped.length} skipped:\n${skipped.map((name) => `  – ${name}`).join('\n')}\n`)
  if (strict) failed += skipped.length
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
