/** Feeds damaged inputs to readers and watches what comes out: only expected errors, soon, and in bounded memory. */
import { mutate, type Mutation } from './mutations.ts'
import { seededRandom, type Random } from './random.ts'

export interface FuzzTarget {
  readonly name: string
  readonly corpus: readonly Buffer[]
  readonly mutations: readonly Mutation[]
  /** Reads one input. Returning and throwing an expected error are both fine. */
  readonly read: (input: Buffer, random: Random) => void | Promise<void>
}

export interface FuzzOptions {
  readonly seed: number
  readonly inputs: number
  readonly targets: readonly FuzzTarget[]
  readonly expected: (error: unknown) => boolean
  /** An input that takes longer is a hang. Milliseconds; default 10 000. */
  readonly slowest?: number
  /** Called before each input: a watchdog outside can tell a loop that never ends. */
  readonly onInput?: (index: number) => void
}

export interface FuzzFailure {
  readonly target: string
  /** With the seed, this leads to the input again as long as the corpus is the same. */
  readonly index: number
  readonly what: string
  readonly input: Buffer
}

export interface FuzzReport {
  readonly inputs: number
  /** How many inputs were read to their end, by target. */
  readonly accepted: Readonly<Record<string, number>>
  readonly failures: readonly FuzzFailure[]
  readonly slowestMs: number
}

const MOST_FAILURES = 10

/** Every input has a random source of its own, derived from seed and index, so that each can be repeated alone. */
export async function fuzz({ seed, inputs, targets, expected, slowest = 10_000, onInput }: FuzzOptions): Promise<FuzzReport> {
  const accepted: Record<string, number> = Object.fromEntries(targets.map(({ name }) => [name, 0]))
  const failures: FuzzFailure[] = []
  let slowestMs = 0
  for (let index = 0; index < inputs && failures.length < MOST_FAILURES; index++) {
    onInput?.(index)
    const random = seededRandom(Math.imul(seed, 0x9e3779b1) + index)
    const target = targets[index % targets.length] as FuzzTarget
    const input = mutate(random.pick(target.corpus), { random, mutations: target.mutations, others: target.corpus })
    const since = performance.now()
    let what: string | undefined
    try {
      await target.read(input, random)
      accepted[target.name] = (accepted[target.name] ?? 0) + 1
    } catch (error) {
      if (!expected(error)) what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
    const took = performance.now() - since
    slowestMs = Math.max(slowestMs, took)
    if (took > slowest) what ??= `took ${took.toFixed(0)} ms`
    if (what !== undefined) failures.push({ target: target.name, index, what, input })
  }
  return { inputs, accepted, failures, slowestMs }
}
