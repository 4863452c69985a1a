/**
 * Keeps dead buffers from piling up while a large file streams by. The bytes of a buffer lie outside V8's heap and are freed only
 * when its small object is collected; V8 times that by its own heap, which a stream hardly fills, so that a hundred megabytes of
 * them can wait. A collection of the young objects takes about a millisecond and frees them all.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' | 'major'; readonly execution: 'sync' }) => void

const RELIEF_BYTES = 8 * 1024 * 1024
let collect: Collect | null = null
let since = 0

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

/** To be told by whatever moves file content: how many bytes went through since the last call. */
export function relieveBuffers(bytes: number): void {
  since += bytes
  if (since < RELIEF_BYTES) return
  since = 0
  collector()({ type: 'minor', execution: 'sync' })
}
