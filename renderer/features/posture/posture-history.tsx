import type { FindingRef, Snapshot } from '../../../shared/contract/posture.ts'
import { useCall } from '../../lib/use-call.ts'
import { Card } from '../../ui/page.tsx'
import { Time } from '../../ui/time.tsx'
import { TrendChart } from './trend-chart.tsx'
import { CAUSES, countsText, sentence } from './words.ts'
import css from './posture.module.css'
import ui from '../../ui/ui.module.css'

const SHOWN = 8
const MOST_LINES = 4

/** What came and went, newest first. */
export function PostureHistory({ partner }: { readonly partner: string | null }) {
  const { data } = useCall(`posture.history ${partner ?? ''}`, (asked) => asked.posture.history({ limit: 100, ...(partner === null ? {} : { partner }) }), (asked, changed) => asked.posture.onChanged(changed))
  const all = data?.snapshots ?? []
  const snapshots = all.filter(({ appeared, resolved }) => appeared.length + resolved.length > 0).slice(0, SHOWN)
  if (snapshots.length === 0 && all.length < 2) return null
  return (
    <Card title="What changed">
      <TrendChart snapshots={all} />
      <ol className={ui['timeline']}>
        {snapshots.map((snapshot) => (
          <Entry key={snapshot.id} snapshot={snapshot} />
        ))}
      </ol>
    </Card>
  )
}

function Entry({ snapshot: { at, cause, counts, appeared, resolved } }: { readonly snapshot: Snapshot }) {
  const tone = appeared.some(({ severity }) => severity === 'error') ? 'bad' : appeared.length > 0 ? 'warn' : 'ok'
  return (
    <li data-tone={tone}>
      <span className="quiet small">
        <Time at={at} />, {CAUSES[cause]} · {countsText(counts)}
      </span>
      <Lines word="New" refs={appeared} />
      <Lines word="Settled" refs={resolved} />
    </li>
  )
}

function Lines({ word, refs }: { readonly word: string; readonly refs: readonly FindingRef[] }) {
  if (refs.length === 0) return null
  return (
    <div className={css['lines']}>
      {refs.slice(0, MOST_LINES).map(({ id, message }) => (
        <span key={id}>
          {word}: {sentence(message)}
        </span>
      ))}
      {refs.length > MOST_LINES ? <span className="quiet small">and {refs.length - MOST_LINES} more</span> : null}
    </div>
  )
}
