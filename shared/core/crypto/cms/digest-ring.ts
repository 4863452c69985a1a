/** Shared memory through which one thread hands the chunks of a content to another. The writer never blocks its thread. */

const SLOTS = 8
const SLOT_BYTES = 512 * 1024

/** Cells of the control block, followed by the length of each slot. */
const SIGNAL = 0
const WRITTEN = 1
const READ = 2
const STATE = 3
const LENGTHS = 4

const RUNNING = 0
const ENDED = 1
const GIVEN_UP = 2

/** What both threads hold; passed to a worker as it is. */
export interface RingMemory {
  readonly control: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
}

export function createRingMemory(): RingMemory {
  return { control: new SharedArrayBuffer(4 * (LENGTHS + SLOTS)), slots: new SharedArrayBuffer(SLOTS * SLOT_BYTES) }
}

export interface RingWriter {
  /** Copies the chunk; a promise when the ring is full, to be awaited before the next call. */
  write(chunk: Uint8Array): void | Promise<void>
  /** No more chunks follow. */
  end(): void
  /** What was written does not matter any more; wakes both sides. */
  giveUp(): void
}

export function ringWriter({ control, slots }: RingMemory): RingWriter {
  const state = new Int32Array(control)
  const bytes = Buffer.from(slots)
  const isFull = (): boolean => Atomics.load(state, STATE) === RUNNING && Atomics.load(state, WRITTEN) - Atomics.load(state, READ) >= SLOTS
  const signal = (): void => {
    Atomics.add(state, SIGNAL, 1)
    Atomics.notify(state, SIGNAL)
  }
  let filled = 0
  const publish = (): void => {
    const written = Atomics.load(state, WRITTEN)
    state[LENGTHS + (written % SLOTS)] = filled
    filled = 0
    Atomics.store(state, WRITTEN, written + 1)
    signal()
  }
  /** Fills slots, one wake-up for each, until the chunk or the room ends; gives how much it took. */
  const fill = (chunk: Uint8Array, from: number): number => {
    let at = from
    while (at < chunk.length && !isFull()) {
      const part = chunk.subarray(at, at + SLOT_BYTES - filled)
      copyShared(part, bytes, (Atomics.load(state, WRITTEN) % SLOTS) * SLOT_BYTES + filled)
      filled += part.length
      at += part.length
      if (filled === SLOT_BYTES) publish()
    }
    return at
  }
  const rest = async (chunk: Uint8Array, from: number): Promise<void> => {
    for (let at = from; at < chunk.length; at = fill(chunk, at)) {
      while (isFull()) {
        const read = Atomics.load(state, READ)
        if (isFull()) await Atomics.waitAsync(state, READ, read).value
      }
      if (Atomics.load(state, STATE) === GIVEN_UP) return
    }
  }
  return {
    write(chunk) {
      const at = fill(chunk, 0)
      if (at < chunk.length) return rest(chunk, at)
    },
    end() {
      if (filled > 0) publish()
      Atomics.compareExchange(state, STATE, RUNNING, ENDED)
      signal()
    },
    giveUp() {
      Atomics.store(state, STATE, GIVEN_UP)
      signal()
      Atomics.notify(state, READ)
    },
  }
}

/**
 * V8 copies into shared memory byte by byte where source and target are aligned differently; for a part of a buffer Node copies by itself,
 * six times as fast.
 */
function copyShared(part: Uint8Array, target: Buffer, at: number): void {
  const last = part.length - 1
  if (last < 0) return
  Buffer.prototype.copy.call(part, target, at, 0, last)
  target[at + last] = part[last] ?? 0
}

/** Blocks its thread until the other side ended; `take` must be done with a chunk when it returns. False when given up. */
export function readRing({ control, slots }: RingMemory, take: (chunk: Uint8Array) => void): boolean {
  const state = new Int32Array(control)
  const bytes = new Uint8Array(slots)
  for (;;) {
    const seen = Atomics.load(state, SIGNAL)
    const phase = Atomics.load(state, STATE)
    if (phase === GIVEN_UP) return false
    const read = Atomics.load(state, READ)
    if (read < Atomics.load(state, WRITTEN)) {
      const slot = read % SLOTS
      take(bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + (state[LENGTHS + slot] ?? 0)))
      Atomics.store(state, READ, read + 1)
      Atomics.notify(state, READ)
    } else if (phase === ENDED) return true
    else Atomics.wait(state, SIGNAL, seen)
  }
}
