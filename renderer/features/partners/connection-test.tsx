import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { TestReport, TestStage } from '../../../shared/contract/partners.ts'
import type { z } from 'zod'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Status, type Tone } from '../../ui/status.tsx'
import { CompareKeys, type Shown } from './compare-keys.tsx'
import ui from '../../ui/ui.module.css'

type Stage = z.infer<typeof TestStage>
type Report = z.infer<typeof TestReport>

const NAMES: Readonly<Record<Stage['name'], string>> = {
  resolve: 'Find the server',
  connect: 'Connect',
  'host-key': 'Check its identity',
  certificate: 'Check its certificate',
  authenticate: 'Sign in',
  list: 'Open the folder',
  'write-probe': 'Write a test file',
  boundary: 'Check the boundary',
  exchange: 'Exchange a test message',
  'clean-up': 'Remove the test file',
}

const STATES: Readonly<Record<Stage['status'], { readonly tone: Tone; readonly word: string }>> = {
  running: { tone: 'run', word: 'Running' },
  ok: { tone: 'ok', word: 'Done' },
  failed: { tone: 'bad', word: 'Failed' },
  refused: { tone: 'warn', word: 'Refused' },
  skipped: { tone: 'wait', word: 'Not reached' },
}

/** A button that runs the staged test and shows each stage as it happens. */
export function ConnectionTest({ partner, connection, onTrusted, icon }: { readonly partner: string; readonly connection: string; readonly onTrusted: () => void; readonly icon?: ReactNode }) {
  const { client } = useHost()
  const action = useAction()
  const [stages, setStages] = useState<readonly Stage[]>([])
  const [report, setReport] = useState<Report | null>(null)
  const [comparing, setComparing] = useState(false)
  const testId = useRef('')

  useEffect(
    () =>
      client.partners.onTestProgress((progress) => {
        if (progress.testId === testId.current) setStages((before) => [...before.filter(({ name }) => name !== progress.stage.name), progress.stage])
      }),
    [client],
  )

  const run = async (): Promise<void> => {
    testId.current = crypto.randomUUID()
    setStages([])
    setReport(null)
    const done = await action.run(async () => await client.partners.test({ partner, connection, testId: testId.current }))
    if (done === undefined) return
    setStages(done.stages)
    setReport(done)
  }

  const shown = report === null ? null : shownBy(report)
  return (
    <div className={ui['stack']}>
      <div className={ui['row']}>
        <Button icon={icon} disabled={action.busy} onClick={() => void run()}>
          {action.busy ? 'Testing…' : 'Test connection'}
        </Button>
        {shown !== null ? (
          <Button look="primary" onClick={() => setComparing(true)}>
            {shown.kind === 'host-key' ? 'Compare keys' : 'Compare certificates'}
          </Button>
        ) : null}
        {report?.ok ? <Status tone="ok">Everything works</Status> : null}
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {stages.length > 0 ? (
        <ol className={ui['stack']} aria-label="Stages of the test">
          {stages.map((stage) => (
            <li key={stage.name} className={ui['stack']}>
              <div className={ui['row']}>
                <Status tone={STATES[stage.status].tone}>{STATES[stage.status].word}</Status>
                <span className={ui['strong']}>{NAMES[stage.name]}</span>
                {stage.status === 'ok' || stage.status === 'failed' ? <span className="quiet small">{Math.round(stage.ms)} ms</span> : null}
              </div>
              {stage.evidence.length > 0 ? <Facts items={stage.evidence.map(({ label, value }) => [label, <span key={label} className="mono">{value}</span>])} /> : null}
              {stage.error === null ? null : <ErrorPanel error={stage.error} />}
            </li>
          ))}
        </ol>
      ) : null}
      {shown !== null ? (
        <CompareKeys
          partner={partner}
          connection={connection}
          shown={shown}
          open={comparing}
          onClose={() => setComparing(false)}
          onPinned={() => {
            setComparing(false)
            onTrusted()
            void run()
          }}
        />
      ) : null}
    </div>
  )
}

/** What a person could confirm by comparing. A certificate that is expired or for another name is not made right by that. */
function shownBy({ hostKey, certificate }: Report): Shown | null {
  if (hostKey !== null && !['pinned', 'certified', 'revoked'].includes(hostKey.verdict)) return { kind: 'host-key', key: hostKey }
  if (certificate !== null && (certificate.verdict === 'unknown' || certificate.verdict === 'changed')) return { kind: 'certificate', certificate }
  return null
}
