import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { z } from 'zod'
import type { ExpectationSummary, StatementVerdict } from '../../../shared/contract/expectations.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { FlowTabs } from '../flows/tabs.tsx'
import { CASES, expectedText } from './words.ts'
import css from '../flows/flows.module.css'
import { shortText } from '../../lib/format.ts'
import ui from '../../ui/ui.module.css'

/** What should come or leave, and how it stands. */
export function ExpectationsPage() {
  const [, navigate] = useLocation()
  const [checking, setChecking] = useState(false)
  const { data, error } = useCall('expectations.list', (client) => client.expectations.list({ limit: 1000 }), (client, changed) => client.expectations.onChanged(changed))
  const about = data === undefined ? ' ' : data.attention === 0 ? 'Files that should come or leave by a time. Nothing is missing.' : `${data.attention} ${data.attention === 1 ? 'is' : 'are'} missing or not as agreed.`
  return (
    <Page
      title="Expectations"
      about={about}
      actions={
        <>
          <Button onClick={() => setChecking(true)}>Check a statement…</Button>
          <Button look="primary" onClick={() => navigate('/expectations/new')}>
            New expectation
          </Button>
        </>
      }
    >
      <FlowTabs />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data !== undefined && data.expectations.length > 0 ? (
        <Card flush>
          <Rows items={data.expectations} keyOf={({ id }) => id}>
            {(expectation) => <Row expectation={expectation} />}
          </Rows>
        </Card>
      ) : null}
      {data?.expectations.length === 0 ? (
        <Empty title="Nothing is expected yet" action={<Button look="primary" onClick={() => navigate('/expectations/new')}>New expectation</Button>}>
          Say which file should come or leave by which time. You hear of it when it does not, and you can prove that it did not come.
        </Empty>
      ) : null}
      <CheckDialog open={checking} onClose={() => setChecking(false)} />
    </Page>
  )
}

function Row({ expectation }: { readonly expectation: ExpectationSummary }) {
  const { current, document, nextDueAt } = expectation
  return (
    <Link href={`/expectations/${encodeURIComponent(expectation.id)}`} className={`${ui['item'] ?? ''} ${css['line'] ?? ''}`}>
      <span className={ui['grow']}>
        <span className={ui['strong']}>{expectation.name}</span>
        <br />
        <span className="quiet small">
          {expectedText(expectation)}, {expectation.when}
        </span>
      </span>
      <span className={css['lineState']}>
        {current === null ? <span className="quiet small">nothing was due yet</span> : <span className="small">{current.reason}</span>}
        <span className="quiet small">{current === null ? (nextDueAt === null ? '' : `due ${shortText(nextDueAt)}`) : `due ${shortText(current.due)}`}</span>
      </span>
      <span className={css['lineState']}>{document.enabled ? <Status tone={current === null ? 'wait' : CASES[current.state].tone}>{current === null ? 'Not due yet' : CASES[current.state].word}</Status> : <Status tone="wait">Not watched</Status>}</span>
    </Link>
  )
}

type Verdict = z.infer<typeof StatementVerdict>

/** Checks a statement of absence, ours or another's. */
function CheckDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const check = async (file: File | undefined): Promise<void> => {
    setVerdict(null)
    if (file === undefined) return
    const text = await file.text()
    const found = await action.run(async () => await client.expectations.verifyStatement({ text }))
    if (found !== undefined) setVerdict(found)
  }
  return (
    <Dialog title="Check a statement of absence" open={open} onClose={onClose} wide>
      <p className="quiet">It is checked on this computer; the workspace that signed it is not needed.</p>
      <label className={ui['field']}>
        <span className={ui['label']}>Statement</span>
        <input type="file" accept="application/json,.json" onChange={(event) => void check(event.target.files?.[0])} />
      </label>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {verdict === null ? null : (
        <>
          <div className={ui['row']} role="status">
            {verdict.ok ? <Status tone="ok">It holds</Status> : <Status tone="bad">It does not hold</Status>}
            <span>{verdict.ok ? 'The signature is of this text, and the words are what the looks say.' : verdict.problems.join('; ')}</span>
          </div>
          <p>{verdict.text}</p>
          <Facts
            items={[
              ['Signed', verdict.signedAt],
              ['Workspace', verdict.workspace],
              ['Key', <Copyable key="key" value={verdict.key} label="key" />],
            ]}
          />
          <p className="quiet small">Compare the key with the one that the signer tells you by another way.</p>
        </>
      )}
      <DialogActions>
        <Button look="primary" onClick={onClose}>
          Close
        </Button>
      </DialogActions>
    </Dialog>
  )
}
