import type { Moving } from '../core/store/moving.ts'

const STEP_PERCENT = 5

/** Lines for a person at a terminal while an old workspace is moved: the first and the last, and each few percent. */
export function createMovingReport(stream: { write(text: string): unknown }): (progress: Moving) => void {
  let told = -STEP_PERCENT
  return ({ stage, from, to, percent }) => {
    if (stage === 'copy') return void stream.write(`The workspace comes from an older version (structure ${from}). Its database is copied to before-update first, then moved to structure ${to}, once. It may be ended at any time.\n`)
    if (percent < told + STEP_PERCENT) return
    told = percent
    stream.write(`The workspace is being moved to structure ${to}: ${percent} %\n`)
  }
}
