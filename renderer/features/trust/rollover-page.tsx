import { useState } from 'react'
import { Link } from 'wouter'
import type { WaybillClient } from '../../../shared/contract/index.ts'
import type { Rollover, RolloverPartner } from '../../../shared/contract/rollover.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextArea } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { WordsLine } from '../cards/words-line.tsx'
import { PlanDialog } from './plan-dialog.tsx'
import { RehearsalDialog } from './rehearsal-dialog.tsx'
import { saveFile } from './save-file.ts'
import { TrustTabs } from './tabs.tsx'
import { STEPS } from './words.ts'
import ui from '../../ui/ui.module.css'

/** The planned changes from one key to the next: where each partner stands, with proof from traffic. */
export function RolloverPage() {
  const { data, error } = useCall(
    'rollover.list',
    (client) => client.rollover.list({ limit: 100 }),
    (client, changed) => {
      const leave = [client.rollover.onChanged(changed), client.trust.onChanged(changed), client.deliveries.onChanged(changed)]
      return () => leave.forEach((one) => one())
    },
  )
  const [planning, setPlanning] = useState(false)
  const plan = (
    <Button look="primary" onClick={() => setPlanning(true)}>
      Plan a change
    </Button>
  )
  return (
    <Page title="Keys & certificates" about="The old and the next one serve side by side, so nobody has to switch at the same minute." actions={plan}>
      <TrustTabs />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data?.rollovers.length === 0 ? <Empty title="No change is planned">Import or make the next key or certificate, then plan the change from the old one to it.</Empty> : null}
      {data?.rollovers.map((one) => (
        <Board key={one.id} rollover={one} />
      ))}
      <PlanDialog open={planning} onClose={() => setPlanning(false)} />
    </Page>
  )
}

const STATES = { running: { tone: 'run', word: 'Under way' }, done: { tone: 'ok', word: 'Done' }, cancelled: { tone: 'wait', word: 'Cancelled' } } as const

function Board({ rollover }: { readonly rollover: Rollover }) {
  const { client } = useHost()
  const action = useAction()
  const [asking, setAsking] = useState(false)
  const [rehearsing, setRehearsing] = useState(false)
  const [finishing, setFinishing] = useState(false)
  const { id, old, next, state, announceAt, switchAt, retireAt, partners } = rollover
  const unseen = partners.filter(({ firstSeen }) => firstSeen === null).map(({ partner }) => partner)
  const untold = partners.filter(({ sent }) => sent === null).length
  return (
    <Card title={`${old.label} → ${next.label}`} flush actions={<Status tone={STATES[state].tone}>{STATES[state].word}</Status>}>
      <div className={`${ui['pad'] ?? ''} ${ui['row'] ?? ''}`}>
        <span className={`${ui['grow'] ?? ''} quiet small`}>
          {announceAt === null ? '' : `Partners are told on ${announceAt.slice(0, 10)}. `}
          {switchAt === null ? 'We switch as soon as a partner is seen to use the next one' : `We switch on ${switchAt.slice(0, 10)}`}
          {retireAt === null ? '.' : `; the old one ends on ${retireAt.slice(0, 10)}, unless it was seen in the seven days before.`}
        </span>
        {state === 'running' ? (
          <>
            <Button compact look="primary" onClick={() => setRehearsing(true)}>
              Rehearse
            </Button>
            {untold > 1 ? (
              <Button compact disabled={action.busy} onClick={() => void action.run(async () => await client.rollover.mark({ id, step: 'sent' }))}>
                All told
              </Button>
            ) : null}
            <Button compact onClick={() => setFinishing(true)}>
              End the old one
            </Button>
            <Button compact onClick={() => setAsking(true)}>
              Cancel the change
            </Button>
          </>
        ) : null}
      </div>
      <Rows items={partners} keyOf={({ partner }) => partner} look="item">
        {(partner) => <PartnerStep id={id} running={state === 'running'} at={partner} />}
      </Rows>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <RehearsalDialog rollover={rollover} open={rehearsing} onClose={() => setRehearsing(false)} />
      <ConfirmDialog
        title={`End ${old.label} now?`}
        open={finishing}
        action="End the old one"
        onClose={() => setFinishing(false)}
        onConfirm={() => {
          setFinishing(false)
          void action.run(async () => await client.rollover.finish({ id, anyway: unseen.length > 0 }))
        }}
      >
        {unseen.length === 0 ? `Every partner was seen with ${next.label}.` : `Not seen with ${next.label} yet: ${unseen.join(', ')}. What they still do with ${old.label} will fail.`}
      </ConfirmDialog>
      <ConfirmDialog
        title="Cancel the change?"
        open={asking}
        action="Cancel the change"
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setAsking(false)
          void action.run(async () => await client.rollover.cancel({ id }))
        }}
      >
        {next.label} is bound no more; {old.label} serves on as before.
      </ConfirmDialog>
    </Card>
  )
}

type Mail = Awaited<ReturnType<WaybillClient['rollover']['mail']>>

function PartnerStep({ id, at, running }: { readonly id: string; readonly at: RolloverPartner; readonly running: boolean }) {
  const { client } = useHost()
  const action = useAction()
  const [mail, setMail] = useState<Mail | null>(null)
  const { tone, word } = STEPS[at.step]
  const mark = async (step: 'sent' | 'acknowledged'): Promise<void> => {
    await action.run(async () => await client.rollover.mark({ id, partner: at.partner, step }))
  }
  const write = async (): Promise<void> => {
    const text = await action.run(async () => await client.rollover.mail({ id, partner: at.partner }))
    if (text !== undefined) setMail(text)
  }
  const facts = [
    at.sent === null ? '' : `told on ${at.sent.slice(0, 10)}`,
    at.acknowledged === null ? '' : `answered on ${at.acknowledged.slice(0, 10)}`,
    at.firstSeen === null ? 'the next one was not seen yet' : `next one first seen on ${at.firstSeen.slice(0, 10)}`,
    at.oldLastSeen === null ? '' : `old one last seen on ${at.oldLastSeen.slice(0, 10)}`,
  ]
  return (
    <>
      <span className={ui['grow']}>
        <Link href={`/partners/${at.partner}`}>{at.partner}</Link>
        <br />
        <span className="quiet small">
          {facts.filter((fact) => fact !== '').join(' · ')}
          {at.proof === null ? null : (
            <>
              {' · '}
              <Link href={`/deliveries/${at.proof}`}>proof</Link>
            </>
          )}
        </span>
        {action.error ? <ErrorPanel error={action.error} /> : null}
      </span>
      {running ? (
        <>
          <Button compact onClick={() => void write()}>
            Mail text
          </Button>
          {at.sent === null ? (
            <Button compact disabled={action.busy} onClick={() => void mark('sent')}>
              Told
            </Button>
          ) : at.acknowledged === null ? (
            <Button compact disabled={action.busy} onClick={() => void mark('acknowledged')}>
              Answered
            </Button>
          ) : null}
        </>
      ) : null}
      <Status tone={tone}>{word}</Status>
      <Dialog title={mail?.subject ?? ''} open={mail !== null} onClose={() => setMail(null)} wide>
        <TextArea label="Text" readOnly rows={14} value={mail?.body ?? ''} />
        {mail?.card ? <WordsLine words={mail.card.words} /> : null}
        <DialogActions>
          {mail?.card ? <Button onClick={() => saveFile({ fileName: mail.card?.fileName ?? '', text: mail.card?.text ?? '', encoding: 'text' })}>Save {mail.card.fileName}</Button> : null}
          <Button onClick={() => void navigator.clipboard.writeText(mail?.body ?? '').catch(() => undefined)}>Copy</Button>
          <Button look="primary" onClick={() => setMail(null)}>
            Close
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}
