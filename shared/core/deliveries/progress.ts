/** Turns acknowledged bytes into a calm stream of progress messages. */
import type { Stage } from '../../contract/deliveries.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Publisher } from '../kernel/events.ts'

const EVERY_MS = 200
/** The rate is that of the last seconds, so that it follows the line without jumping. */
const WINDOW_MS = 4_000

export interface ProgressMeter {
  stage(stage: Stage): void
  bytes(done: number): void
}

export function createProgressMeter(id: string, total: number, publisher: Publisher, clock: Clock): ProgressMeter {
  let stage: Stage = 'connecting'
  let done = 0
  let lastSent = 0
  let samples: { at: number; bytes: number }[] = []

  const rate = (now: number): number => {
    samples = samples.filter((sample) => now - sample.at <= WINDOW_MS)
    const first = samples[0]
    if (first === undefined || now - first.at < EVERY_MS) return 0
    return Math.max(0, ((done - first.bytes) * 1000) / (now - first.at))
  }
  const send = (now: number): void => {
    lastSent = now
    const bytesPerSecond = rate(now)
    publisher.publish('deliveries.progress', {
      id,
      stage,
      bytes: done,
      total,
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? (total - done) / bytesPerSecond : null,
    })
  }

  return {
    stage(next) {
      stage = next
      if (next === 'transferring') samples = []
      send(clock.now())
    },
    bytes(bytes) {
      const now = clock.now()
      done = bytes
      samples.push({ at: now, bytes })
      if (now - lastSent >= EVERY_MS || done === total) send(now)
    },
  }
}
