/** `node shared/core/crypto/cms/fuzz.ts [--inputs 200000] [--seed 1]`: see README.md. Exit code 1 when something else than a CmsError came out. */
import { parseArgs } from 'node:util'
import { fuzz } from '../fuzzing/run.ts'
import { printReport, startWatchdog } from '../fuzzing/watchdog.ts'
import { cmsTargets, isExpected } from './fuzz-targets.ts'

const { values } = parseArgs({ options: { inputs: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } } })
const seed = Number(values.seed)
const watchdog = startWatchdog(30)
const report = await fuzz({ seed, inputs: Number(values.inputs), targets: await cmsTargets(), expected: isExpected, onInput: watchdog.progress })
process.exitCode = printReport(report, seed)
await watchdog.stop()
