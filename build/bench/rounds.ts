/** Runs contestants in turns, as this kind of machine drifts by a factor of two, and prints medians and ratios. */

export interface Contestant {
  readonly name: string
  /** One run; resolves when the work is done. */
  readonly run: () => Promise<void>
  /** What is no part of the work, after each run. */
  readonly tidy?: (() => Promise<void>) | undefined
}

/** Processor seconds of programs that were run besides, added up by whoever runs them. */
export const others = { processorSeconds: 0 }

interface Run {
  readonly seconds: number
  readonly processor: number
}

/**
 * `amount`: what one run moves, in `unit`. The last contestant is the measure of the others. One that fails is named and takes no
 * further part. `processor`: also processor time, where every other program is run so that it is noted.
 */
export async function race(title: string, amount: number, unit: string, contestants: readonly Contestant[], rounds = 5, { processor = false } = {}): Promise<void> {
  const runs = new Map(contestants.map(({ name }) => [name, [] as Run[]]))
  for (let round = 0; round < rounds; round++)
    for (const contestant of contestants) {
      const done = runs.get(contestant.name)
      if (done === undefined) continue
      try {
        done.push(await timed(contestant))
        await contestant.tidy?.()
      } catch (error) {
        runs.delete(contestant.name)
        process.stdout.write(`${contestant.name} takes no part: ${String(error).split('\n').slice(0, 3).join(' ').slice(0, 300)}\n`)
      }
    }
  const finished = contestants.filter(({ name }) => runs.has(name))
  const rate = (name: string): number => amount / median((runs.get(name) ?? []).map(({ seconds }) => seconds))
  const measure = finished.at(-1)
  process.stdout.write(`${title}\n`)
  for (const { name } of finished) {
    const ratio = measure === undefined || name === measure.name ? '' : `${(rate(name) / rate(measure.name)).toFixed(2)} × ${measure.name}`
    const each = (median((runs.get(name) ?? []).map((run) => run.processor)) * 1000) / amount
    const cost = processor ? `${each.toFixed(2).padStart(6)} ms of processor each  ` : ''
    process.stdout.write(`  ${name.padEnd(24)} ${rate(name).toFixed(1).padStart(9)} ${unit}/s  ${cost}${ratio}\n`)
  }
}

/** Processor time: of our own process with its threads, or of the programs that it ran. */
async function timed({ run }: Contestant): Promise<Run> {
  const [since, before, cpu] = [performance.now(), others.processorSeconds, process.cpuUsage()]
  await run()
  const { user, system } = process.cpuUsage(cpu)
  const theirs = others.processorSeconds - before
  return { seconds: (performance.now() - since) / 1000, processor: theirs > 0 ? theirs : (user + system) / 1e6 }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
