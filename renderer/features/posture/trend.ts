/** How the number of open findings went over time, as lines of a small chart. Pure. */
import type { Snapshot } from '../../../shared/contract/posture.ts'

export interface TrendSize {
  readonly width: number
  readonly height: number
}

export interface Trend {
  /** Points of an SVG polyline: between two snapshots nothing changes, so lines go in steps. */
  readonly errors: string
  readonly warnings: string
  readonly most: number
  readonly from: string
  readonly to: string
  /** The whole of it in words, for those who do not see it. */
  readonly words: string
}

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

/** `snapshots`: newest first, as the core gives them. Null while there is nothing to compare. */
export function trendOf(snapshots: readonly Pick<Snapshot, 'at' | 'counts'>[], now: number, { width, height }: TrendSize): Trend | null {
  const ordered = snapshots.toReversed()
  const [first] = ordered
  const last = ordered.at(-1)
  if (first === undefined || last === undefined || ordered.length < 2) return null
  const start = Date.parse(first.at)
  const span = Math.max(1, now - start)
  const most = Math.max(1, ...ordered.map(({ counts }) => Math.max(counts.error, counts.warning)))
  const x = (at: number): number => round(((at - start) / span) * width)
  const y = (value: number): number => round(height - (value / most) * height)
  const steps = (of: (counts: Snapshot['counts']) => number): string => {
    const points = ordered.flatMap(({ at, counts }, index) => {
      const before = ordered[index - 1]
      const place = x(Date.parse(at))
      return [...(before === undefined ? [] : [`${place},${y(of(before.counts))}`]), `${place},${y(of(counts))}`]
    })
    return [...points, `${width},${y(of(last.counts))}`].join(' ')
  }
  return {
    errors: steps(({ error }) => error),
    warnings: steps(({ warning }) => warning),
    most,
    from: first.at.slice(0, 10),
    to: new Date(now).toISOString().slice(0, 10),
    words: `From ${count(first.counts.error, 'error', 'errors')} and ${count(first.counts.warning, 'warning', 'warnings')} on ${first.at.slice(0, 10)} to ${count(last.counts.error, 'error', 'errors')} and ${count(last.counts.warning, 'warning', 'warnings')} now; at most ${most} of one kind in between.`,
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
