/** Runs contestants in turns, as this kind of machine drifts by a factor of two, and prints medians and ratios. */

export interface Contestant {
  readonly name: string
  /** One run; resolves when the work is done. */
  readonly run: () => Promise<void>
}

/** `amount`: what one run moves, in `unit`. The last contestant is the measure of the others. */
export async function race(title: string, amount: number, unit: string, contestants: readonly Contestant[], rounds = 5): Promise<void> {
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const { name, run } of contestants) {
      const since = performance.now()
      await run()
      times.get(name)?.push((performance.now() - since) / 1000)
    }
  const rate = (name: string): number => amount / median(times.get(name) ?? [])
  const measure = contestants.at(-1)
  process.stdout.write(`${title}\n`)
  for (const { name } of contestants) {
    const ratio = measure === undefined || name === measure.name ? '' : `  ${(rate(name) / rate(measure.name)).toFixed(2)} × ${measure.name}`
    process.stdout.write(`  ${name.padEnd(24)} ${rate(name).toFixed(1).padStart(9)} ${unit}/s${ratio}\n`)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
