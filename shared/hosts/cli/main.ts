/** Entry of the command line. */
import process from 'node:process'

const MINIMUM_NODE = 24

// On older runtimes the database addon does not fail, it crashes: refuse before anything loads it.
if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
  process.stderr.write(`Waybill needs Node ${MINIMUM_NODE} or newer; this is ${process.versions.node}. Start it with \`npm run waybill\`, which brings its own.\n`)
  process.exit(2)
}

const { runProgram } = await import('./program.ts')
await runProgram(process.argv.slice(2))
