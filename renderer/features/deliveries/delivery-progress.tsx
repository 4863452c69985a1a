import type { Progress } from '../../../shared/contract/deliveries.ts'
import { bytesText, durationText } from '../../lib/format.ts'
import { ProgressBar } from '../../ui/page.tsx'
import { STAGE_WORDS } from './words.ts'

/** Stage, bytes, rate and time left; keeps its height from the first moment. */
export function DeliveryProgress({ name, progress, total }: { readonly name: string; readonly progress: Progress | null; readonly total: number }) {
  const done = progress?.bytes ?? 0
  const rate = progress !== null && progress.bytesPerSecond > 0 ? `, ${bytesText(progress.bytesPerSecond)}/s` : ''
  const left = progress?.secondsLeft ? `, ${durationText(progress.secondsLeft)} left` : ''
  return (
    <div>
      <ProgressBar label={`Progress of ${name}`} done={done} total={total} />
      <p className="quiet small">
        {STAGE_WORDS[progress?.stage ?? 'connecting']} · {bytesText(done)} of {bytesText(total)}
        {rate}
        {left}
      </p>
    </div>
  )
}
