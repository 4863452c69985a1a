import { FileSearch, ShieldCheck } from 'lucide-react'
import { useRef, useState } from 'react'
import { Link } from 'wouter'
import type { AnchorVerdict, AuditVerdict, Trace } from '../../../shared/contract/audit.ts'
import type { EvidenceVerdict } from '../../../shared/contract/evidence.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { saveFile } from '../trust/save-file.ts'
import { EventTimeline } from '../deliveries/event-timeline.tsx'
import { eventWords } from '../deliveries/words.ts'
import { EvidenceCard } from './evidence-card.tsx'
import ui from '../../ui/ui.module.css'

export function AuditPage() {
  const host = useHost()
  const verifying = useAction()
  const tracing = useAction()
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null)
  const [trace, setTrace] = useState<Trace | null>(null)
  const [search, setSearch] = useState('')
  const [limit, setLimit] = useState(100)
  const [anchor, setAnchor] = useState<AnchorVerdict | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const [evidence, setEvidence] = useState<{ readonly name: string; readonly verdict: EvidenceVerdict } | null>(null)
  const proofInput = useRef<HTMLInputElement>(null)
  const list = useCall(
    `audit.list ${limit} ${search}`,
    (client) => client.audit.list({ limit, ...(search === '' ? {} : { search }) }),
    (client, changed) => client.deliveries.onChanged(changed),
  )

  const verify = async (): Promise<void> => {
    setVerdict((await verifying.run(async () => await host.client.audit.verify({}))) ?? null)
    list.reload()
  }
  const saveAnchor = async (): Promise<void> => {
    const made = await verifying.run(async () => await host.client.audit.anchor({}))
    if (made === undefined) return
    saveFile({ fileName: made.fileName, text: made.text, encoding: 'text' })
    toast('ok', 'Anchor saved', `It names record ${made.anchor.seq}. Hand it to somebody else, or keep it where you cannot change it.`)
    list.reload()
  }
  const checkProof = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    // Told apart by what is in it: whoever sends a file names it as he likes.
    if ((await file.slice(0, 2).text()) !== 'PK') return await checkAnchor(file)
    const looked = await verifying.run(async () => await host.client.evidence.verify({ file: { capability: await host.fileCapability(file) } }))
    setEvidence(looked === undefined ? null : { name: file.name, verdict: looked })
  }
  const checkAnchor = async (file: File): Promise<void> => {
    setAnchor((await verifying.run(async () => await host.client.audit.checkAnchor({ text: (await file.text()).slice(0, MOST_ANCHOR_CHARACTERS) }))) ?? null)
  }
  const traceFile = async (file: File | undefined): Promise<void> => {
    if (file !== undefined) setTrace((await tracing.run(async () => await host.client.audit.trace({ file: { capability: await host.fileCapability(file) } }))) ?? null)
  }

  return (
    <Page
      title="Audit"
      about="Every step is recorded once, in a chain in which no record can be changed unnoticed."
      actions={
        <>
          <Button icon={<FileSearch size={16} aria-hidden />} onClick={() => input.current?.click()}>
            Trace a file
          </Button>
          <input ref={input} type="file" hidden aria-label="File to trace" onChange={(event) => void traceFile(event.target.files?.[0])} />
          <Button onClick={() => void saveAnchor()}>Save an anchor</Button>
          <Button onClick={() => proofInput.current?.click()}>Check a proof</Button>
          <input ref={proofInput} type="file" hidden accept=".json,.zip" aria-label="Evidence or anchor to check" onChange={(event) => void checkProof(event.target.files?.[0])} />
          <Button look="primary" icon={<ShieldCheck size={16} aria-hidden />} disabled={verifying.busy} onClick={() => void verify()}>
            {verifying.busy ? 'Verifying…' : 'Verify the chain'}
          </Button>
        </>
      }
    >
      {verifying.error ? <ErrorPanel error={verifying.error} /> : null}
      {tracing.error ? <ErrorPanel error={tracing.error} /> : null}
      <div role="status">{verdict === null ? null : <Verdict verdict={verdict} />}</div>
      <div role="status">{evidence === null ? null : <EvidenceCard {...evidence} onClose={() => setEvidence(null)} />}</div>
      <div role="status">{anchor === null ? null : <Anchored verdict={anchor} />}</div>
      {trace === null ? null : (
        <Card title="Life of the file" actions={<Button compact onClick={() => setTrace(null)}>Close</Button>}>
          {trace.deliveries.length === 0 ? <p className="quiet">No delivery ever carried this content (SHA-256 {trace.query}).</p> : null}
          {trace.deliveries.map(({ delivery }) => (
            <p key={delivery.id}>
              <Link href={`/deliveries/${delivery.id}`}>{delivery.remoteName}</Link> to {delivery.partner}
            </p>
          ))}
          <EventTimeline events={trace.events} />
        </Card>
      )}
      <TextField label="Search records by file name, hash, id or partner" value={search} onChange={(event) => setSearch(event.target.value)} />
      {list.error ? <ErrorPanel error={list.error} /> : null}
      {list.data === undefined ? <Skeleton height={260} /> : null}
      {list.data?.events.length === 0 ? <Empty title={search === '' ? 'No records yet' : 'Nothing matches'}>{search === '' ? 'The first record is written with the first thing you do.' : 'No record fits this search.'}</Empty> : null}
      {list.data !== undefined && list.data.events.length > 0 ? (
        <Card flush>
          <Rows items={list.data.events} keyOf={({ seq }) => seq} look="pad">
            {(event) => {
              const { text, why } = eventWords(event)
              return (
                <>
                  <div className={ui['row']}>
                    <span className={`${ui['strong'] ?? ''} ${ui['grow'] ?? ''}`}>
                      {text}
                      {why === null ? '' : `: ${why}`}
                    </span>
                    <span className="quiet small">
                      {absoluteText(event.at)} · {event.actor}
                    </span>
                  </div>
                  <p className="quiet small">
                    Record {event.seq} · {event.subject.kind} {event.subject.kind === 'delivery' ? <Link href={`/deliveries/${event.subject.id}`}>{event.subject.id}</Link> : event.subject.id}
                  </p>
                  <details className="small">
                    <summary className="quiet">Raw record</summary>
                    <pre className="mono" tabIndex={0} style={{ overflow: 'auto' }}>
                      {JSON.stringify(event, null, 2)}
                    </pre>
                  </details>
                </>
              )
            }}
          </Rows>
        </Card>
      ) : null}
      {list.data !== undefined && list.data.total > list.data.events.length && limit < 1000 ? <Button onClick={() => setLimit(Math.min(1000, limit + 200))}>Show more</Button> : null}
    </Page>
  )
}

const MOST_ANCHOR_CHARACTERS = 10_000

function Anchored({ verdict: { ok, anchor, since, problem } }: { readonly verdict: AnchorVerdict }) {
  return (
    <Card>
      <div className={ui['stack']}>
        <div>{ok ? <Status tone="ok">The anchor holds</Status> : <Status tone="bad">The anchor does not hold</Status>}</div>
        <Facts
          items={[
            ['Anchored', `${absoluteText(anchor.at)}, record ${anchor.seq}`],
            ['Records since', ok ? since : null],
            ['What is wrong', problem],
          ]}
        />
      </div>
    </Card>
  )
}

function Verdict({ verdict }: { readonly verdict: AuditVerdict }) {
  return (
    <Card>
      <div className={ui['stack']}>
        <div>{verdict.ok ? <Status tone="ok">The chain holds</Status> : <Status tone="bad">The chain is broken</Status>}</div>
        <Facts
          items={[
            ['Records checked', verdict.checked],
            ['Head', <Copyable key="head" value={verdict.head} label="head of the chain" />],
            ['First bad record', verdict.firstBad === null ? null : `${verdict.firstBad.seq} (${verdict.firstBad.problem}): ${verdict.firstBad.explanation}`],
          ]}
        />
        {verdict.ok ? null : <ErrorPanel error={{ code: 'audit.broken', message: verdict.firstBad?.explanation ?? '' }} />}
      </div>
    </Card>
  )
}
