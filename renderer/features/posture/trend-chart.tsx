import { useState } from 'react'
import type { Snapshot } from '../../../shared/contract/posture.ts'
import { trendOf } from './trend.ts'
import css from './posture.module.css'

const SIZE = { width: 600, height: 64 }

/** Open errors and warnings over time. Nothing while there is nothing to compare. */
export function TrendChart({ snapshots }: { readonly snapshots: readonly Pick<Snapshot, 'at' | 'counts'>[] }) {
  const [now] = useState(() => Date.now())
  const trend = trendOf(snapshots, now, SIZE)
  if (trend === null) return null
  return (
    <figure className={css['trend']}>
      <svg viewBox={`0 -4 ${SIZE.width} ${SIZE.height + 8}`} role="img" aria-label={trend.words} preserveAspectRatio="none">
        <line x1="0" x2={SIZE.width} y1={SIZE.height} y2={SIZE.height} className={css['ground']} />
        <polyline points={trend.warnings} className={css['warnings']} />
        <polyline points={trend.errors} className={css['errors']} />
      </svg>
      <figcaption className="quiet small">
        <span>{trend.from}</span>
        <span>
          <span className={css['errorsKey']} aria-hidden /> errors <span className={css['warningsKey']} aria-hidden /> warnings, at most {trend.most}
        </span>
        <span>today</span>
      </figcaption>
    </figure>
  )
}
