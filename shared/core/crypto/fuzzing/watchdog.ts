/** Ends a fuzzing process that makes no progress: a loop that never ends cannot be seen from inside its own thread. */
import { Worker } from 'node:worker_threads'

/** Call `progress` with each input's number; `stop` at the end. */
export function startWatchdog(seconds: number): { progress(index: number): void; stop(): Promise<number> } {
  const shared = new Int32Array(new SharedArrayBuffer(4))
  const source = `
    const { workerData: { shared, seconds } } = require('node:worker_threads')
    let last = -1
    setInterval(() => {
      const now = Atomics.load(shared, 0)
      if (now === last) {
        require('node:fs').writeSync(2, 'no progress for ' + seconds + ' s at input ' + now + '\\n')
        process.kill(process.pid, 'SIGKILL')
      }
      last = now
    }, seconds * 1000)
  `
  const worker = new Worker(source, { eval: true, workerData: { shared, seconds } })
  return {
    progress: (index) => void Atomics.store(shared, 0, index),
    stop: async () => await worker.terminate(),
  }
}

/** Prints what a run found; gives the exit code. */
export function printReport(report: { inputs: number; accepted: Readonly<Record<string, number>>; failures: readonly { target: string; index: number; what: string; input: Buffer }[]; slowestMs: number }, seed: number): number {
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  for (const { target, index, what, input } of report.failures) print(`FAILED ${target}, input ${index} of seed ${seed}: ${what}\n  ${input.toString('base64')}`)
  print(`${report.inputs} inputs, seed ${seed}, ${report.failures.length} failures; slowest ${report.slowestMs.toFixed(0)} ms; peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
  print(`read to the end: ${Object.entries(report.accepted).map(([name, count]) => `${name} ${count}`).join(', ')}`)
  return report.failures.length === 0 ? 0 : 1
}
