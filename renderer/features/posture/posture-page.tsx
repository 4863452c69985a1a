import { useEffect, useState } from 'react'
import { Link, useSearch } from 'wouter'
import type { FindingState, Severity } from '../../../shared/contract/posture.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Time } from '../../ui/time.tsx'
import { saveFile } from '../trust/save-file.ts'
import { FindingGroupRow } from './finding-group.tsx'
import { PostureHistory } from './posture-history.tsx'
import { groupsOf, SEVERITY } from './words.ts'
import ui from '../../ui/ui.module.css'

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info']
type View = Severity | 'all' | 'suppressed'

/** What is weak or has drifted, what to do first, and why. Counts and ages; there is no score. */
export function PosturePage() {
  const { client } = useHost()
  const action = useAction()
  const partner = new URLSearchParams(useSearch()).get('partner')
  const [view, setView] = useState<View>('all')
  const about = partner === null ? {} : { partner }
  const state: FindingState[] | undefined = view === 'suppressed' ? ['suppressed'] : undefined
  const { data, error } = useCall(`posture.list ${partner ?? ''} ${view === 'suppressed' ? view : ''}`, (asked) => asked.posture.list({ limit: 1000, ...about, ...(state === undefined ? {} : { state }) }), (asked, changed) => asked.posture.onChanged(changed))
  const printing = usePrinting()
  const save = async (format: 'json' | 'csv' | 'sarif'): Promise<void> => {
    const file = await action.run(async () => await client.posture.export({ format, ...about }))
    if (file !== undefined) saveFile({ ...file, encoding: 'text' })
  }
  const shown = (data?.findings ?? []).filter(({ severity }) => view === 'all' || view === 'suppressed' || severity === view)
  const chips: readonly (readonly [View, string])[] = data === undefined ? [] : [['all', `Open ${data.counts.error + data.counts.warning + data.counts.info}`], ['error', `Errors ${data.counts.error}`], ['warning', `Warnings ${data.counts.warning}`], ['info', `Notes ${data.counts.info}`], ['suppressed', `Suppressed ${data.counts.suppressed}`]]
  return (
    <Page
      title="Posture"
      about={data?.evaluatedAt == null ? 'What is weak, what has drifted, and what to do first.' : <>What is weak, what has drifted, and what to do first. Last looked at everything <Time key={data.evaluatedAt} at={data.evaluatedAt} />.</>}
      actions={
        <>
          {FORMATS.map(([format, word]) => (
            <Button key={format} onClick={() => void save(format)}>
              Save as {word}
            </Button>
          ))}
          <Button onClick={printing.print}>Print</Button>
          <Button look="primary" disabled={action.busy} onClick={() => void action.run(async () => await client.posture.evaluate({}))}>
            Look again
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel error={error} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={320} /> : null}
      {data === undefined ? null : (
        <div className={ui['row']}>
          <div className={ui['chips']} role="group" aria-label="Show">
            {chips.map(([name, word]) => (
              <button key={name} type="button" className={ui['chip']} aria-pressed={view === name} onClick={() => setView(name)}>
                {word}
              </button>
            ))}
          </div>
          {partner === null ? null : (
            <span className="quiet small">
              Only {partner}. <Link href="/posture">Show all</Link>
            </span>
          )}
        </div>
      )}
      {data !== undefined && shown.length === 0 ? <Nothing view={view} looked={data.evaluatedAt !== null} /> : null}
      {SEVERITIES.map((severity) => {
        const groups = groupsOf(shown.filter((finding) => finding.severity === severity))
        return groups.length === 0 ? null : (
          <Card key={severity} title={SEVERITY[severity].heading} actions={<span className="quiet small">{SEVERITY[severity].about}</span>} flush>
            <Rows items={groups} keyOf={({ key }) => key}>
              {(group) => <FindingGroupRow group={group} unfolded={printing.on} />}
            </Rows>
          </Card>
        )
      })}
      {partner === null && view === 'all' ? <SinceApproval /> : null}
      <PostureHistory partner={partner} />
    </Page>
  )
}

/** Everything is unfolded for paper, also when printing began from the browser's menu. */
function usePrinting(): { readonly on: boolean; print(): void } {
  const [on, setOn] = useState(false)
  useEffect(() => {
    const begin = (): void => setOn(true)
    const end = (): void => setOn(false)
    window.addEventListener('beforeprint', begin)
    window.addEventListener('afterprint', end)
    return () => {
      window.removeEventListener('beforeprint', begin)
      window.removeEventListener('afterprint', end)
    }
  }, [])
  return {
    on,
    print: () => {
      setOn(true)
      // Once the unfolded page stands.
      requestAnimationFrame(() => requestAnimationFrame(() => window.print()))
    },
  }
}

const FORMATS = [['csv', 'CSV'], ['json', 'JSON'], ['sarif', 'SARIF']] as const

/** What is another than at the moment that a person approved. Nothing while nobody has. */
function SinceApproval() {
  const { data } = useCall('posture.compare', (asked) => asked.posture.compare({}).catch(() => null), (asked, changed) => asked.posture.onChanged(changed))
  if (data?.approved == null) return null
  const { from, approved, appeared, gone, same, lines } = data
  return (
    <Card title="Since the approved state">
      <div className={ui['stack']}>
        <p>
          {approved.by} approved trust and policy <Time at={from} /> ({approved.reason}). Since then {appeared.length} findings came, {gone.length} went, {same} are the same;{' '}
          {lines.length === 0 ? 'trust and policy stand as approved.' : `${lines.length} ${lines.length === 1 ? 'line of trust and policy differs' : 'lines of trust and policy differ'}.`}
        </p>
        <div>
          <Link href="/trust/policy">Open policy</Link>
        </div>
      </div>
    </Card>
  )
}

function Nothing({ view, looked }: { readonly view: View; readonly looked: boolean }) {
  if (!looked) return <Empty title="Nothing was looked at yet">Press &ldquo;Look again&rdquo;: it reads settings, keys and past deliveries on this computer, and reaches nobody.</Empty>
  if (view === 'suppressed') return <Empty title="Nothing is suppressed">What you tolerate for a while stands here until its last day.</Empty>
  return <Empty title="Nothing is open here">Waybill looks after each change and delivery, and once a day. You hear of it when something appears.</Empty>
}
