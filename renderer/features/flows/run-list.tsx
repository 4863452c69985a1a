import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { FlowFile, FlowRun } from '../../../shared/contract/flows.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { ReleaseDialog } from './release-dialog.tsx'
import { countsText, fileReason, fileWords, OUTCOMES, TRIGGERS } from './words.ts'
import css from './flows.module.css'
import { shortText } from '../../lib/format.ts'
import ui from '../../ui/ui.module.css'

/** Runs, newest first; each opens to its files. */
export function RunList({ runs, inbound }: { readonly runs: readonly FlowRun[]; readonly inbound: boolean }) {
  // What needs a person is open without a click.
  const [opened, setOpened] = useState<string | null | undefined>(undefined)
  const first = runs[0]
  const open = opened === undefined ? (first !== undefined && ['failed', 'partly', 'refused', 'attention', 'retrying'].includes(first.outcome) ? first.id : null) : opened
  return (
    <Rows items={runs} keyOf={({ id }) => id}>
      {(run) => (
        <>
          <button type="button" className={css['opener']} aria-expanded={open === run.id} onClick={() => setOpened(open === run.id ? null : run.id)}>
            <ChevronRight size={16} aria-hidden className={css['arrow']} />
            <Status tone={OUTCOMES[run.outcome].tone}>{OUTCOMES[run.outcome].word}</Status>
            <span className={ui['grow']}>{countsText(run, inbound)}</span>
            <span className="quiet small">{TRIGGERS[run.trigger]}</span>
            <span className="quiet small">
              <Time at={run.startedAt} />
            </span>
          </button>
          {open === run.id ? <RunFiles run={run} inbound={inbound} /> : null}
        </>
      )}
    </Rows>
  )
}

function RunFiles({ run, inbound }: { readonly run: FlowRun; readonly inbound: boolean }) {
  const [releasing, setReleasing] = useState<FlowFile | null>(null)
  const { data, error } = useCall(
    `flows.showRun ${run.id} ${run.outcome}`,
    (client) => client.flows.showRun({ id: run.id }),
    (client, changed) => {
      const leave = [client.deliveries.onChanged(changed), client.flows.onRan(changed)]
      return () => leave.forEach((one) => one())
    },
  )
  const general = data?.files.filter(({ name, error: problem }) => name === '' && problem !== null) ?? []
  const files = data?.files.filter(({ name }) => name !== '') ?? []
  return (
    <div className={css['inside']}>
      <p className="quiet small">
        {shortText(run.startedAt)}
        {run.dueAt === null ? '' : `, due ${shortText(run.dueAt)}`} · run {run.id}
      </p>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={60} /> : null}
      {general.map((file) => (file.error === null ? null : <ErrorPanel key={file.target} error={file.error} />))}
      {data !== undefined && files.length === 0 && general.length === 0 ? <p className="quiet">{run.error === null ? 'No file stood there that fitted.' : textOf(run.error).title}</p> : null}
      {files.map((file) => (
        <RunFile key={`${file.name} ${file.target} ${file.delivery ?? ''}`} file={file} inbound={inbound} onRelease={() => setReleasing(file)} />
      ))}
      <ReleaseDialog flow={run.flow} file={releasing} inbound={inbound} onClose={() => setReleasing(null)} />
    </div>
  )
}

/** One file with what a person can do about it. */
function RunFile({ file, inbound, onRelease }: { readonly file: FlowFile; readonly inbound: boolean; readonly onRelease: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [reading, setReading] = useState(false)
  const { tone, word } = fileWords(file, inbound)
  const { delivery } = file
  const retriable = delivery !== null && file.skipped === null && ['waiting', 'failed', 'cancelled', 'unknown'].includes(file.state)
  return (
    <div className={ui['stack']}>
      <div className={ui['row']}>
        <span className={ui['grow']}>
          <span className={css['name']}>{delivery === null ? <span className={ui['strong']}>{file.name}</span> : <Link href={`/deliveries/${encodeURIComponent(delivery)}`}>{file.name}</Link>}</span>
          <span className="quiet small">{[file.target === '' ? '' : inbound ? `from ${file.target}` : `to ${file.target}`, fileReason(file)].filter(Boolean).join(' · ')}</span>
        </span>
        <Status tone={tone}>{word}</Status>
        {file.error === null ? null : (
          <Button compact look="plain" aria-expanded={reading} onClick={() => setReading(!reading)}>
            What to do
          </Button>
        )}
        {retriable ? (
          <Button compact disabled={action.busy} onClick={() => void action.run(async () => await client.deliveries.retry({ id: delivery }))}>
            Retry now
          </Button>
        ) : null}
        {delivery !== null && file.skipped === null && file.state === 'waiting' ? (
          <Button compact look="plain" disabled={action.busy} onClick={() => void action.run(async () => await client.deliveries.cancel({ id: delivery }))}>
            Give up
          </Button>
        ) : null}
        {delivery !== null && (file.skipped === 'duplicate' || (file.skipped === null && file.state === 'delivered')) ? (
          <Button compact look="plain" onClick={onRelease}>
            {inbound ? 'Receive again…' : 'Send again…'}
          </Button>
        ) : null}
      </div>
      {reading && file.error !== null ? <ErrorPanel error={file.error} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </div>
  )
}
