import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { ExpectationCase, ExpectationDetail } from '../../../shared/contract/expectations.ts'
import { useHost } from '../../lib/app-context.ts'
import { bytesText, shortText, wallText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { minutesText } from '../flows/facts.ts'
import { saveFile } from '../trust/save-file.ts'
import { CASES, expectedText, looksText } from './words.ts'
import css from '../flows/flows.module.css'
import ui from '../../ui/ui.module.css'

/** One expectation with what became of each due time. */
export function ExpectationPage({ id }: { readonly id: string }) {
  const detail = useCall(`expectations.show ${id}`, (client) => client.expectations.show({ id }), (client, changed) => client.expectations.onChanged((change) => (change.id === id ? changed() : undefined)))
  if (detail.data === undefined) return <Page title="Expectation">{detail.error === undefined ? <Skeleton height={360} /> : <ErrorPanel error={detail.error} />}</Page>
  return <Shown detail={detail.data} />
}

function Shown({ detail: { summary, next, cases } }: { readonly detail: ExpectationDetail }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [removing, setRemoving] = useState(false)
  const [opened, setOpened] = useState<string | null | undefined>(undefined)
  const { id, document } = summary
  const open = opened === undefined ? (cases.find(({ state }) => state === 'missing' || state === 'wrong')?.due ?? null) : opened
  return (
    <Page
      title={summary.name}
      about={`${expectedText(summary)}, ${summary.when}.`}
      actions={
        <>
          <Button look="primary" onClick={() => navigate(`/expectations/${encodeURIComponent(id)}/edit`)}>
            Edit
          </Button>
          <Button look="danger" onClick={() => setRemoving(true)}>
            Remove…
          </Button>
        </>
      }
    >
      {document.enabled ? null : <Status tone="wait">Not watched</Status>}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Card title="What became of each due time" flush>
        {cases.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>Nothing was due yet.</p> : null}
        <Rows items={cases} keyOf={({ due }) => due}>
          {(entry) => (
            <>
              <button type="button" className={css['opener']} aria-expanded={open === entry.due} onClick={() => setOpened(open === entry.due ? null : entry.due)}>
                <ChevronRight size={16} aria-hidden className={css['arrow']} />
                <Status tone={CASES[entry.state].tone}>{CASES[entry.state].word}</Status>
                <span className={ui['grow']}>{entry.reason}</span>
                <span className="quiet small">due {shortText(entry.due)}</span>
              </button>
              {open === entry.due ? <Case entry={entry} /> : null}
            </>
          )}
        </Rows>
      </Card>
      <div className={ui['split']}>
        <Card title="As agreed">
          <Facts
            items={[
              ['Counts from', `${minutesText(document.earlyMinutes)} before`],
              ['Grace', minutesText(document.graceMinutes)],
              ['Right names', document.names.join(', ')],
              ['But not', document.except.join(', ')],
              ['Size', [document.size.atLeast === undefined ? '' : `at least ${bytesText(document.size.atLeast)}`, document.size.atMost === undefined ? '' : `at most ${bytesText(document.size.atMost)}`].filter(Boolean).join(', ')],
              ['Partner', <Link key="partner" href={`/partners/${document.partner}`}>{document.partner}</Link>],
              ['Flow', document.flow === undefined ? null : <Link key="flow" href={`/flows/${document.flow}`}>{document.flow}</Link>],
              ['Notes', document.notes],
            ]}
          />
        </Card>
        <Card title="Next due times">
          {next.length === 0 ? <p className="quiet">It is due no more.</p> : (
            <ol className={ui['stack']}>
              {next.map((at) => (
                <li key={at}>{wallText(at, document.by.zone)}</li>
              ))}
            </ol>
          )}
        </Card>
      </div>
      <ConfirmDialog
        title={`Remove ${summary.name}?`}
        open={removing}
        action="Remove expectation"
        onClose={() => setRemoving(false)}
        onConfirm={() => {
          setRemoving(false)
          void action.run(async () => {
            await client.expectations.remove({ id })
            navigate('/expectations')
          })
        }}
      >
        Nothing is expected by it any more. What became of past times stays in the audit trail.
      </ConfirmDialog>
    </Page>
  )
}

/** What came, what is wrong with it, and the statement that nothing came. */
function Case({ entry }: { readonly entry: ExpectationCase }) {
  const { client } = useHost()
  const action = useAction()
  const looks = looksText(entry)
  const sign = async (): Promise<void> => {
    const file = await action.run(async () => await client.expectations.statement({ id: entry.expectation, due: entry.due }))
    if (file !== undefined) saveFile({ fileName: file.name, text: file.text, encoding: 'text' })
  }
  return (
    <div className={css['inside']}>
      <p className="quiet small">
        Files count from {shortText(entry.from)}, in time until {shortText(entry.deadline)}, late until {shortText(entry.until)}. {looks}
      </p>
      {entry.files.map((file) => (
        <div key={file.delivery} className={ui['row']}>
          <span className={ui['grow']}>
            <Link className={css['name']} href={`/deliveries/${encodeURIComponent(file.delivery)}`}>{file.name}</Link>
            <span className="quiet small">
              {bytesText(file.size)}, {shortText(file.at)}
              {file.problem === null ? '' : ` · ${file.problem}`}
            </span>
          </span>
          {file.problem === null ? <Status tone="ok">As agreed</Status> : <Status tone="bad">Not as agreed</Status>}
        </div>
      ))}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {entry.state === 'missing' ? (
        <div className={ui['row']}>
          <Button disabled={action.busy} onClick={() => void sign()}>
            Save signed statement of absence
          </Button>
          <span className="quiet small">A file to hand on: what was looked at, when, and that nothing fitted.</span>
        </div>
      ) : null}
    </div>
  )
}
