import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { z } from 'zod'
import type { Attempt, DeliveryDetail, Progress } from '../../../shared/contract/deliveries.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText, bytesText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { usePartnerNames } from '../partners/partner-names.ts'
import { Direction } from './direction.tsx'
import { DeliveryProgress } from './delivery-progress.tsx'
import { EventTimeline } from './event-timeline.tsx'
import { EvidenceExport } from './evidence-export.tsx'
import { factRows } from './fact-names.ts'
import { MessagePart } from './message-part.tsx'
import { Reliances } from '../policy/reliances.tsx'
import { ReceiptFacts } from './receipt-facts.tsx'
import { ResolveDialog } from './resolve-dialog.tsx'
import { receiptAdvice, stateWords } from './words.ts'
import css from './deliveries.module.css'
import ui from '../../ui/ui.module.css'

export function DeliveryPage({ id }: { readonly id: string }) {
  const detail = useCall(`deliveries.show ${id}`, (client) => client.deliveries.show({ id }), (client, changed) => client.deliveries.onChanged(changed))
  if (detail.data === undefined) return <Page title="Delivery">{detail.error === undefined ? <Skeleton height={360} /> : <ErrorPanel error={detail.error} />}</Page>
  return <Shown detail={detail.data} />
}

function Shown({ detail }: { readonly detail: z.infer<typeof DeliveryDetail> }) {
  const { delivery, attempts } = detail
  const { client } = useHost()
  const action = useAction()
  const [resolving, setResolving] = useState(false)
  const [releasing, setReleasing] = useState(false)
  const [proving, setProving] = useState(false)
  const inbound = delivery.direction === 'inbound'
  const [progress, setProgress] = useState<Progress | null>(null)
  useEffect(() => client.deliveries.onProgress((next) => (next.id === delivery.id ? setProgress(next) : undefined)), [client, delivery.id])
  const trace = useCall(`audit.trace ${delivery.id} ${delivery.updatedAt}`, (asked) => asked.audit.trace({ query: delivery.id }))
  const nameOf = usePartnerNames()
  const { tone, word, sentence } = stateWords(delivery)
  const { receipt } = delivery
  const advice = receiptAdvice(delivery)
  const restless = delivery.state === 'queued' || delivery.state === 'sending'

  return (
    <Page
      title={inbound ? delivery.fileName : delivery.remoteName}
      about={
        <>
          {inbound ? 'from' : 'to'} <Link href={`/partners/${delivery.partner}`}>{nameOf(delivery.partner)}</Link>, <Time at={delivery.createdAt} />
        </>
      }
      actions={
        <>
          {['waiting', 'unknown', 'failed', 'cancelled'].includes(delivery.state) ? (
            <Button look="primary" disabled={action.busy} onClick={() => void action.run(async () => await client.deliveries.retry({ id: delivery.id }))}>
              Retry now
            </Button>
          ) : null}
          {delivery.state === 'held' ? (
            <Button look="primary" disabled={action.busy} onClick={() => setReleasing(true)}>
              Release…
            </Button>
          ) : null}
          {['unknown', 'disputed', 'awaiting-receipt'].includes(delivery.state) ? <Button onClick={() => setResolving(true)}>Resolve…</Button> : null}
          {restless || delivery.state === 'waiting' ? (
            <Button disabled={action.busy} onClick={() => void action.run(async () => await client.deliveries.cancel({ id: delivery.id }))}>
              Cancel
            </Button>
          ) : null}
          <Button onClick={() => setProving(true)}>Export evidence…</Button>
        </>
      }
    >
      <div className={ui['row']}>
        <Direction direction={delivery.direction} />
        <Status tone={tone}>{word}</Status>
        <span className="quiet">{sentence}</span>
      </div>
      {advice === null ? null : (
        <Card title="What to do">
          <ol className={css['steps']}>
            {advice.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </Card>
      )}
      {delivery.nextTryAt === null || restless ? null : <p className="quiet">Next try at {absoluteText(delivery.nextTryAt)}.</p>}
      {restless ? <DeliveryProgress name={delivery.remoteName} progress={progress} total={delivery.size} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {delivery.error === null ? null : <ErrorPanel error={delivery.error} />}
      <div className={ui['split']}>
        <Card title="File">
          <Facts
            items={[
              ['Our name', delivery.fileName],
              [inbound ? 'Name at the partner' : 'Name there', delivery.remoteName],
              ['Connection', delivery.connection],
              ['Size', delivery.size < 1024 ? `${delivery.size} bytes` : `${bytesText(delivery.size)} (${delivery.size} bytes)`],
              ['SHA-256', <Copyable key="hash" value={delivery.sha256} label="SHA-256" />],
              ['As it travelled', delivery.wire === null ? null : `${bytesText(delivery.wire.size)}, SHA-256 ${delivery.wire.sha256}`],
              ['Delivery', <Copyable key="id" value={delivery.id} label="delivery id" />],
              ['Sent again because', delivery.duplicateReason],
              ['Content', detail.contentRemovedAt === null ? null : `deleted here on ${absoluteText(detail.contentRemovedAt)}, its time was over; this record stays`],
            ]}
          />
        </Card>
        <Card title={inbound ? 'Where it came from' : 'Receipt'}>
          {receipt === null ? <p className="quiet">{inbound ? 'Not noted yet.' : 'There is none: the partner has not confirmed the file.'}</p> : <ReceiptFacts receipt={receipt} />}
        </Card>
      </div>
      {detail.parts.length === 0 ? null : (
        <Card title={`Files inside: ${detail.parts.length}`} flush>
          <ul className={ui['list']}>
            {detail.parts.map((part) => (
              <li key={`${part.name} ${part.sha256}`} className={ui['pad']}>
                <div className={ui['row']}>
                  <span className={`${ui['grow'] ?? ''} ${ui['strong'] ?? ''}`}>{part.name}</span>
                  <span className="quiet small">{bytesText(part.size)}</span>
                </div>
                <Copyable value={part.sha256} label={`SHA-256 of ${part.name}`} />
              </li>
            ))}
          </ul>
        </Card>
      )}
      {inbound && detail.exceptions.length > 0 ? (
        <Card title="Exceptions that it relied on">
          <Reliances uses={detail.exceptions} />
        </Card>
      ) : null}
      <MessagePart delivery={delivery.id} />
      <Card title="Trace">{trace.data === undefined ? <Skeleton height={160} /> : <EventTimeline events={trace.data.events.filter(({ subject }) => subject.id === delivery.id)} />}</Card>
      {inbound && attempts.length === 0 ? null : (
        <Card title="Tries" flush>
          <Rows items={attempts} keyOf={(attempt) => attempt.id} look="pad" last={attempts.length === 0 ? <li className={`quiet ${ui['pad'] ?? ''}`}>None yet.</li> : null}>
            {(attempt) => <TryFacts attempt={attempt} />}
          </Rows>
        </Card>
      )}
      <EvidenceExport
        delivery={delivery.id}
        open={proving}
        onClose={() => {
          setProving(false)
          trace.reload()
        }}
      />
      <ResolveDialog id={delivery.id} open={resolving} onClose={() => setResolving(false)} />
      <ConfirmDialog
        title="Release this file?"
        open={releasing}
        action="Release to the Inbox"
        onClose={() => setReleasing(false)}
        onConfirm={() => {
          setReleasing(false)
          void action.run(async () => await client.deliveries.retry({ id: delivery.id }))
        }}
      >
        <p>{delivery.error === null ? 'It was held so that a person looks at it.' : textOf(delivery.error).happened} Once released, it appears in the Inbox; your decision is kept in the records.</p>
      </ConfirmDialog>
    </Page>
  )
}

const RESULTS = {
  running: { tone: 'run', word: 'Running' },
  delivered: { tone: 'ok', word: 'Delivered' },
  accepted: { tone: 'run', word: 'Taken' },
  disputed: { tone: 'warn', word: 'Disputed' },
  failed: { tone: 'bad', word: 'Failed' },
  unknown: { tone: 'warn', word: 'Answer lost' },
  interrupted: { tone: 'warn', word: 'Interrupted' },
  cancelled: { tone: 'wait', word: 'Cancelled' },
} as const

function TryFacts({ attempt }: { readonly attempt: z.infer<typeof Attempt> }) {
  const { tone, word } = RESULTS[attempt.result]
  return (
    <div className={ui['stack']}>
      <div className={ui['row']}>
        <span className={ui['strong']}>Try {attempt.number}</span>
        <Status tone={tone}>{word}</Status>
        <span className="quiet small">{absoluteText(attempt.startedAt)}</span>
      </div>
      <Facts
        items={[
          ['Went on at', attempt.resumedAt > 0 ? `${bytesText(attempt.resumedAt)}` : null],
          ...factRows(attempt.observed),
          ['Reason', attempt.error?.message],
        ]}
      />
      <Reliances uses={attempt.exceptions} />
    </div>
  )
}
