/** Ways to damage an input. Each gives a new buffer, and may give the same content when there is nothing to do. */
import type { Random } from './random.ts'

/** `others`: further inputs of the same kind, to borrow from. */
export type Mutation = (input: Buffer, random: Random, others: readonly Buffer[]) => Buffer

/** Numbers at which lengths and counts go wrong. */
const EDGES = [0, 1, 0x1f, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xa0, 0xff]
const LARGEST = 1 << 20

function range(input: Buffer, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1)
  return [from, Math.min(input.length, from + 1 + random.below(random.oneIn(4) ? input.length : 16))]
}

/** For any format: bits, octets, ranges, ends, and pieces of other inputs. */
export const byteMutations: readonly Mutation[] = [
  (input, random) => withOctet(input, random, (octet) => octet ^ (1 << random.below(8))),
  (input, random) => withOctet(input, random, () => random.pick(EDGES)),
  (input, random) => withOctet(input, random, (octet) => octet + (random.oneIn(2) ? 1 : 255)),
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  (input, random) => Buffer.concat([input, random.bytes(1 + random.below(20))]),
  (input, random) => {
    const [from, to] = range(input, random)
    return Buffer.concat([input.subarray(0, from), input.subarray(to)])
  },
  (input, random) => {
    const [from, to] = range(input, random)
    return Buffer.concat([input.subarray(0, to), input.subarray(from)])
  },
  (input, random) => {
    const [from, to] = range(input, random)
    return Buffer.concat([input.subarray(0, from), random.bytes(to - from), input.subarray(to)])
  },
  (input, random, others) => {
    const other = random.pick([input, ...others])
    const [from, to] = range(other, random)
    const at = random.below(input.length + 1)
    return Buffer.concat([input.subarray(0, at), other.subarray(from, to), input.subarray(random.oneIn(2) ? at : Math.min(input.length, at + to - from))])
  },
]

function withOctet(input: Buffer, random: Random, change: (octet: number) => number): Buffer {
  const changed = Buffer.from(input)
  const at = random.below(input.length)
  if (at < changed.length) changed[at] = change(changed[at] ?? 0) & 255
  return changed
}

export interface MutateOptions {
  readonly random: Random
  readonly mutations: readonly Mutation[]
  readonly others?: readonly Buffer[]
}

/** One to four mutations after each other; never more than 1 MiB comes out. */
export function mutate(input: Uint8Array, { random, mutations, others = [] }: MutateOptions): Buffer {
  let changed = Buffer.from(input)
  for (let left = 1 + random.below(4); left > 0; left--) changed = random.pick(mutations)(changed, random, others) as Buffer<ArrayBuffer>
  return changed.subarray(0, LARGEST)
}
