/**
 * Keeps a process small that runs for long and moves many small contents.
 *
 * V8's space for young objects grows to 64 MiB as soon as there is something to do, and all of it stays resident; and the larger it is, the
 * earlier V8 expects that the old objects will have no room for what survives, and collects those too: every fifty messages, at a tenth of
 * the processor time. Buffers that outlived two collections are freed by a collection of the old objects only, which V8 times by its own
 * heap, not by the bytes outside of it.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { bytesOutside, collector, setOrdinaryGrowth } from './buffer-relief.ts'

const MIB = 1024 * 1024
/** Both halves of the young space. */
const MOST_YOUNG_BYTES = 16 * MIB
/**
 * How much the old objects may grow before they are collected, in percent of what the last collection left. By itself V8 lets them grow by a
 * tenth, for little reaches them in comparison with what each collection costs, and so goes through all of them every seventy messages.
 */
const GROWTH_PERCENT = 80
/** Of buffers, beyond what the last collection of old objects left. */
const MOST_GROWN_BYTES = 24 * MIB

/** Looks after each collection, and never without one. */
export function boundMemory(): void {
  let grows = true
  let left = bytesOutside()

  const look = (): void => {
    // V8 makes the space smaller when little happens: then it may grow again.
    const size = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
    if (grows === size < MOST_YOUNG_BYTES) return
    grows = !grows
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }

  setOrdinaryGrowth(GROWTH_PERCENT)
  look()
  new PerformanceObserver((list) => {
    look()
    const wasMajor = (list.getEntries() as { readonly detail?: { readonly kind?: number } }[]).some(({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR)
    if (wasMajor) left = bytesOutside()
    else if (bytesOutside() > left + MOST_GROWN_BYTES) {
      collector()({ type: 'major', execution: 'sync' })
      left = bytesOutside()
    }
  }).observe({ entryTypes: ['gc'] })
}
