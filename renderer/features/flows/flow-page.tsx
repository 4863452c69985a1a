import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { z } from 'zod'
import type { DryRun, FlowDetail } from '../../../shared/contract/flows.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { usePartnerNames } from '../partners/partner-names.ts'
import { DryRunDialog } from './dry-run.tsx'
import { DueLedger } from './due-ledger.tsx'
import { factsOf } from './facts.ts'
import { PauseDialog } from './pause-dialog.tsx'
import { RunList } from './run-list.tsx'
import { flowState } from './words.ts'
import css from './flows.module.css'
import { shortText, wallText } from '../../lib/format.ts'
import ui from '../../ui/ui.module.css'

/** One flow: what it does, what it did, and what became of every due time. */
export function FlowPage({ id }: { readonly id: string }) {
  const detail = useCall(
    `flows.show ${id}`,
    (client) => client.flows.show({ id }),
    (client, changed) => {
      const mine = ({ id: other, removed }: { id: string; removed: boolean }): void => (other === id && !removed ? changed() : undefined)
      const leave = [client.flows.onChanged(mine), client.flows.onRan(({ flow }) => (flow === id ? changed() : undefined))]
      return () => leave.forEach((one) => one())
    },
  )
  if (detail.data === undefined) return <Page title="Flow">{detail.error === undefined ? <Skeleton height={420} /> : <ErrorPanel error={detail.error} />}</Page>
  return <Shown detail={detail.data} />
}

function Shown({ detail }: { readonly detail: FlowDetail }) {
  const { summary, document, next, runs, due } = detail
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [dryRun, setDryRun] = useState<z.infer<typeof DryRun> | null>(null)
  const [asking, setAsking] = useState<'pause' | 'remove' | null>(null)
  const nameOf = usePartnerNames()
  const state = flowState(summary)
  const { id } = summary
  const inbound = document.direction === 'inbound'
  const zone = document.trigger.kind === 'schedule' ? document.trigger.schedule.zone : null
  return (
    <Page
      title={summary.name}
      about={
        <>
          {inbound ? 'from' : 'to'}{' '}
          {summary.targets.map((target, index) => (
            <span key={target}>
              {index === 0 ? '' : ', '}
              <Link href={`/partners/${target.split('/')[0] ?? ''}`}>{nameOf(target.split('/')[0] ?? '')}</Link>
              {target.includes('/') ? ` (${target.split('/')[1] ?? ''})` : ''}
            </span>
          ))}
          , {summary.when}
        </>
      }
      actions={
        <>
          <Button look="primary" disabled={action.busy || summary.running} onClick={() => void action.run(async () => await client.flows.run({ id }))}>
            {summary.running ? 'Running…' : 'Run now'}
          </Button>
          <Button disabled={action.busy} onClick={() => void action.run(async () => setDryRun(await client.flows.dryRun({ id })))}>
            Dry run
          </Button>
          {summary.paused === null ? (
            <Button onClick={() => setAsking('pause')}>Pause…</Button>
          ) : (
            <Button disabled={action.busy} onClick={() => void action.run(async () => await client.flows.resume({ id }))}>
              Resume
            </Button>
          )}
          <Button onClick={() => navigate(`/flows/${encodeURIComponent(id)}/edit`)}>Edit</Button>
        </>
      }
    >
      <div className={ui['row']} role="status">
        <Status tone={state.tone}>{state.word}</Status>
        <span className="quiet">{summary.paused === null ? (state.next === null || summary.nextDueAt === null ? '' : `next ${wallText(summary.nextDueAt, zone ?? 'UTC')}`) : `${state.next ?? 'until somebody resumes it'}${summary.paused.reason === null ? '' : `: ${summary.paused.reason}`}`}</span>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Card title="Runs" flush>
        {runs.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>It has not run yet.</p> : <RunList runs={runs} inbound={inbound} />}
      </Card>
      {document.trigger.kind === 'schedule' || due.length > 0 ? (
        <Card title="What happened at each due time" actions={due.length === 0 ? null : <Link href={`/due-times?flow=${encodeURIComponent(id)}`}>All due times</Link>} flush>
          {due.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>Nothing was due yet.</p> : <div className={css['ledger']} tabIndex={0} role="group" aria-label="Due times"><DueLedger due={due} /></div>}
        </Card>
      ) : null}
      <div className={ui['split']}>
        <Card title="How it works">
          <Facts items={factsOf(detail)} />
        </Card>
        {zone === null ? null : (
          <Card title="Next five runs">
            {next.length === 0 ? <p className="quiet">It is due no more.</p> : (
              <ol className={ui['stack']}>
                {next.map((at) => (
                  <li key={at} title={shortText(at)}>{wallText(at, zone)}</li>
                ))}
              </ol>
            )}
          </Card>
        )}
      </div>
      <div>
        <Button look="danger" onClick={() => setAsking('remove')}>
          Remove flow…
        </Button>
      </div>
      <DryRunDialog dryRun={dryRun} onClose={() => setDryRun(null)} />
      <PauseDialog what={summary.name} open={asking === 'pause'} onClose={() => setAsking(null)} onPause={async (pause) => await client.flows.pause({ id, ...pause })} />
      <ConfirmDialog
        title={`Remove ${summary.name}?`}
        open={asking === 'remove'}
        action="Remove flow"
        onClose={() => setAsking(null)}
        onConfirm={() => {
          setAsking(null)
          void action.run(async () => {
            await client.flows.remove({ id })
            navigate('/flows')
          })
        }}
      >
        Nothing runs by it any more. Its deliveries, runs and audit records stay.
      </ConfirmDialog>
    </Page>
  )
}
