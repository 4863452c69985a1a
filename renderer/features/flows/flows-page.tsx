import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { FlowSummary } from '../../../shared/contract/flows.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { Direction } from '../deliveries/direction.tsx'
import { PauseDialog } from './pause-dialog.tsx'
import { FlowTabs } from './tabs.tsx'
import { flowState, OUTCOMES } from './words.ts'
import css from './flows.module.css'
import { shortText } from '../../lib/format.ts'
import ui from '../../ui/ui.module.css'

const PAGE = 100
/** With fewer, everything is in sight. */
const SEARCH_FROM = 8

/** Every flow with its state, its next run and what the last one brought. */
export function FlowsPage() {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [search, setSearch] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const [pausing, setPausing] = useState(false)
  const list = useCall(
    `flows.list ${limit} ${search}`,
    async (asked) => ({ ...(await asked.flows.list({ limit, ...(search === '' ? {} : { search }) })), overview: await asked.flows.overview({}) }),
    (asked, changed) => {
      const leave = [asked.flows.onChanged(changed), asked.flows.onRan(changed)]
      return () => leave.forEach((one) => one())
    },
  )
  const { data, error } = list
  const paused = data?.overview.paused ?? null
  const resume = async (): Promise<void> => {
    await action.run(async () => await client.flows.resumeAll({}))
    list.reload()
  }
  return (
    <Page
      title="Flows"
      about={data === undefined ? ' ' : aboutText(data.overview.running.length, data.overview.next[0])}
      actions={
        <>
          {data === undefined || data.total === 0 ? null : paused === null ? (
            <Button onClick={() => setPausing(true)}>Pause all…</Button>
          ) : (
            <Button disabled={action.busy} onClick={() => void resume()}>
              Resume all
            </Button>
          )}
          <Button look="primary" onClick={() => navigate('/flows/new')}>
            New flow
          </Button>
        </>
      }
    >
      <FlowTabs />
      {error ? <ErrorPanel error={error} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {paused === null ? null : (
        <div className={ui['row']} role="status">
          <Status tone="warn">All paused</Status>
          <span className="quiet">Nothing starts by itself{paused.until === null ? ' until somebody resumes' : ` until ${shortText(paused.until)}`}.</span>
        </div>
      )}
      {data !== undefined && (data.total >= SEARCH_FROM || search !== '') ? <TextField label="Search by name" value={search} onChange={(event) => setSearch(event.target.value)} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={260} /> : null}
      {data !== undefined && data.flows.length > 0 ? (
        <Card flush>
          <Rows items={data.flows} keyOf={({ id }) => id}>
            {(flow) => <FlowRow flow={paused === null || flow.paused !== null || flow.trigger === 'manual' ? flow : { ...flow, paused: { at: flow.updatedAt, until: paused.until, reason: null } }} />}
          </Rows>
        </Card>
      ) : null}
      {data !== undefined && data.flows.length === 0 ? (
        search === '' ? (
          <Empty title="No flows yet" action={<Button look="primary" onClick={() => navigate('/flows/new')}>New flow</Button>}>
            A flow sends or collects files by itself: at times, when a file appears, or after another flow. For every due time you can see what happened.
          </Empty>
        ) : (
          <Empty title="Nothing matches">No flow has that name.</Empty>
        )
      ) : null}
      {data !== undefined && data.total > data.flows.length && limit < 1000 ? <Button onClick={() => setLimit(1000)}>Show more</Button> : null}
      <PauseDialog
        what="all flows"
        open={pausing}
        onClose={() => setPausing(false)}
        onPause={async (pause) => {
          await client.flows.pauseAll(pause)
          list.reload()
          return true
        }}
      />
    </Page>
  )
}

function aboutText(running: number, next: { readonly name: string; readonly at: string } | undefined): string {
  const now = running === 0 ? 'Nothing runs now' : `${running} ${running === 1 ? 'runs' : 'run'} now`
  return next === undefined ? `${now}.` : `${now}. Next: ${next.name}, ${shortText(next.at)}.`
}

function FlowRow({ flow }: { readonly flow: FlowSummary }) {
  const { tone, word, next } = flowState(flow)
  const last = flow.lastRun
  return (
    <Link href={`/flows/${encodeURIComponent(flow.id)}`} className={`${ui['item'] ?? ''} ${css['line'] ?? ''}`}>
      <span className={ui['grow']}>
        <span className={ui['row']}>
          <Direction direction={flow.direction} />
          <span className={`${ui['strong'] ?? ''} ${ui['cut'] ?? ''}`}>{flow.name}</span>
        </span>
        <span className={`quiet small ${ui['cut'] ?? ''}`}>
          {flow.direction === 'outbound' ? 'to' : 'from'} {flow.targets.join(', ')} · {flow.when}
        </span>
      </span>
      <span className={css['lineState']}>
        {last === null ? <span className="quiet small">never ran</span> : <Status tone={OUTCOMES[last.outcome].tone}>{OUTCOMES[last.outcome].word}</Status>}
        {last === null ? null : (
          <span className="quiet small">
            <Time at={last.startedAt} />
          </span>
        )}
      </span>
      <span className={css['lineState']}>
        <Status tone={tone}>{word}</Status>
        <span className="quiet small">{next}</span>
      </span>
    </Link>
  )
}
