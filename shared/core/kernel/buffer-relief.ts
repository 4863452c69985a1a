/**
 * Keeps dead buffers from piling up while a large file streams by. The bytes of a buffer lie outside V8's heap and are freed only
 * when its small object is collected; V8 times that by its own heap, which a stream hardly fills, so that a hundred megabytes of
 * them can wait. A collection of the young objects takes about a millisecond and frees them all.
 *
 * V8 in turn counts those bytes, dead or alive, as growth of its heap: a process whose heap is small goes through all its old objects
 * for about every thirty megabytes, at up to two thirds of a transfer's processor time. While content streams by, the heap may grow
 * by more, and buffers that outlived two collections are watched here instead.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' | 'major'; readonly execution: 'sync' }) => void

const MIB = 1024 * 1024
const RELIEF_BYTES = 8 * MIB
/** Of buffers that a collection of the young objects leaves, beyond the least that ever stayed. */
const MOST_HELD_BYTES = 32 * MIB
/** Of the heap while content streams by. Four times what lives is the most that V8 gives a process on its own account, too. */
const GROWTH_PERCENT = 300
const STREAM_ENDED_AFTER_MS = 2_000

let collect: Collect | null = null
let since = 0
let least = Number.POSITIVE_INFINITY
let streaming: NodeJS.Timeout | null = null
/** In percent of what a collection left; 0: V8 decides, which suits a process that holds objects rather than buffers. */
let ordinaryGrowth = 0

/** The collector as a function; only ours: the flag is taken back, so that no later context has it. */
export function collector(): Collect {
  if (collect !== null) return collect
  setFlagsFromString('--expose-gc')
  try {
    collect = runInNewContext('gc') as Collect
    return collect
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}

/** Bytes of buffers and the like, which lie outside of V8's heap. */
export function bytesOutside(): number {
  return getHeapStatistics().external_memory
}

/** To be told by whatever moves file content: how many bytes went through since the last call. */
export function relieveBuffers(bytes: number): void {
  since += bytes
  if (since < RELIEF_BYTES) return
  since = 0
  letHeapGrow()
  collector()({ type: 'minor', execution: 'sync' })
  least = Math.min(least, bytesOutside())
  if (bytesOutside() <= least + MOST_HELD_BYTES) return
  collector()({ type: 'major', execution: 'sync' })
  least = bytesOutside()
}

/** How much the old objects may grow before V8 collects them while nothing streams by, in percent of what the last collection left. */
export function setOrdinaryGrowth(percent: number): void {
  ordinaryGrowth = percent
  if (streaming === null) growBy(percent)
}

/** Until nothing streamed by for a while. */
function letHeapGrow(): void {
  if (streaming !== null) {
    streaming.refresh()
    return
  }
  growBy(GROWTH_PERCENT)
  streaming = setTimeout(() => {
    streaming = null
    growBy(ordinaryGrowth)
  }, STREAM_ENDED_AFTER_MS).unref()
}

function growBy(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}
