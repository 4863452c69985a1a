import { useState } from 'react'
import { Link } from 'wouter'
import type { DueTime } from '../../../shared/contract/flows.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { absoluteText, dayText, timeText } from '../../lib/format.ts'
import { dueWords } from './words.ts'
import css from './flows.module.css'
import ui from '../../ui/ui.module.css'

/** What became of each due time, day by day, newest first. `nameOf`: shown where rows of several flows stand together. */
export function DueLedger({ due, nameOf }: { readonly due: readonly DueTime[]; readonly nameOf?: (flow: string) => string }) {
  const [now] = useState(() => Date.now())
  const days = Map.groupBy(due, ({ at }) => absoluteText(at).slice(0, 10))
  return [...days].map(([day, rows]) => (
    <section key={day} aria-label={dayText(rows[0]?.at ?? '', now)}>
      {/* Under the heading of a card, or on a page of its own. */}
      {nameOf === undefined ? <h3 className={css['day']}>{dayText(rows[0]?.at ?? '', now)}</h3> : <h2 className={css['day']}>{dayText(rows[0]?.at ?? '', now)}</h2>}
      <Rows items={rows} keyOf={({ flow, at }) => `${flow} ${at}`}>
        {(row) => <DueRow row={row} name={nameOf?.(row.flow)} />}
      </Rows>
    </section>
  ))
}

function DueRow({ row, name }: { readonly row: DueTime; readonly name: string | undefined }) {
  const { client } = useHost()
  const action = useAction()
  const { tone, word, sentence } = dueWords(row)
  const decide = (decision: 'run' | 'skip'): void => void action.run(async () => await client.flows.decide({ flow: row.flow, at: row.at, decision }))
  return (
    <div className={css['due']}>
      <span>
        <time dateTime={row.at} title={absoluteText(row.at)} className={ui['strong']}>
          {timeText(row.at)}
        </time>
        {name === undefined || name === '' ? null : <Link className={css['name']} href={`/flows/${encodeURIComponent(row.flow)}`}>{name}</Link>}
      </span>
      <span>
        <Status tone={row.decision === 'pending' ? 'warn' : tone}>{word}</Status>
      </span>
      <span className="quiet">{sentence}</span>
      {row.decision === 'pending' ? (
        <span className={ui['row']}>
          <Button compact look="primary" disabled={action.busy} onClick={() => decide('run')}>
            Run now
          </Button>
          <Button compact disabled={action.busy} onClick={() => decide('skip')}>
            Skip
          </Button>
        </span>
      ) : (
        <span />
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </div>
  )
}
