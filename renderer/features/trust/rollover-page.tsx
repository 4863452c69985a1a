import { useState } from 'react'
import { Link } from 'wouter'
import type { Rollover, RolloverPartner } from '../../../shared/contract/rollover.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { TrustTabs } from './tabs.tsx'
import { pendingBindings, STEPS } from './words.ts'
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
  const { id, old, next, state, switchAt, retireAt, partners } = rollover
  return (
    <Card title={`${old.label} → ${next.label}`} flush actions={<Status tone={STATES[state].tone}>{STATES[state].word}</Status>}>
      <div className={`${ui['pad'] ?? ''} ${ui['row'] ?? ''}`}>
        <span className={`${ui['grow'] ?? ''} quiet small`}>
          {switchAt === null ? 'We switch as soon as a partner is seen to use the next one' : `We switch on ${switchAt.slice(0, 10)}`}
          {retireAt === null ? '.' : `; the old one ends on ${retireAt.slice(0, 10)}, unless it was seen in the seven days before.`}
        </span>
        {state === 'running' ? (
          <Button compact onClick={() => setAsking(true)}>
            Cancel the change
          </Button>
        ) : null}
      </div>
      <ul className={ui['list']}>
        {partners.map((partner) => (
          <PartnerStep key={partner.partner} id={id} running={state === 'running'} at={partner} />
        ))}
      </ul>
      {action.error ? <ErrorPanel error={action.error} /> : null}
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

function PartnerStep({ id, at, running }: { readonly id: string; readonly at: RolloverPartner; readonly running: boolean }) {
  const { client } = useHost()
  const action = useAction()
  const [mail, setMail] = useState<{ subject: string; body: string } | null>(null)
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
    <li className={ui['item']}>
      <span className={ui['grow']}>
        <Link href={`/partners/${at.partner}`}>{at.partner}</Link>
        <br />
        <span className="quiet small">{facts.filter((fact) => fact !== '').join(' · ')}</span>
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
        <TextArea label="Text" readOnly rows={16} value={mail?.body ?? ''} />
        <DialogActions>
          <Button onClick={() => void navigator.clipboard.writeText(mail?.body ?? '').catch(() => undefined)}>Copy</Button>
          <Button look="primary" onClick={() => setMail(null)}>
            Close
          </Button>
        </DialogActions>
      </Dialog>
    </li>
  )
}

function PlanDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const items = useCall('trust.list plan', (caller) => caller.trust.list({ limit: 1000 }), (caller, changed) => caller.trust.onChanged(changed))
  const [now] = useState(() => Date.now())
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [switchAt, setSwitchAt] = useState('')
  const [retireAt, setRetireAt] = useState('')
  const active = (items.data?.items ?? []).filter(({ state }) => state === 'active')
  const bound = active.filter((item) => pendingBindings(item, now).length > 0)
  const chosen = bound.find(({ id }) => id === old) ?? bound[0]
  const others = active.filter(({ id, kind, hasPrivateKey }) => chosen !== undefined && id !== chosen.id && kind === chosen.kind && (hasPrivateKey || !chosen.hasPrivateKey))
  const follower = others.find(({ id }) => id === next) ?? others[0]
  const run = async (): Promise<void> => {
    if (chosen === undefined || follower === undefined) return
    const done = await action.run(
      async () =>
        await client.rollover.plan({
          old: chosen.id,
          next: follower.id,
          ...(switchAt === '' ? {} : { switchAt: new Date(switchAt).toISOString() }),
          ...(retireAt === '' ? {} : { retireAt: new Date(retireAt).toISOString() }),
        }),
    )
    if (done !== undefined) onClose()
  }
  return (
    <Dialog title="Plan a change" open={open} onClose={onClose}>
      <SelectField label="Old" value={chosen?.id ?? ''} onChange={(event) => setOld(event.target.value)} options={bound.map(({ id, label, fingerprint }) => [id, `${label} (${fingerprint.slice(0, 18)}…)`])} />
      <SelectField label="Next" value={follower?.id ?? ''} onChange={(event) => setNext(event.target.value)} options={others.map(({ id, label, fingerprint }) => [id, `${label} (${fingerprint.slice(0, 18)}…)`])} help={others.length === 0 ? 'Import or make the next one first.' : 'It serves for everything that the old one is used for.'} />
      <div className={ui['split']}>
        <TextField label="We switch on" type="datetime-local" value={switchAt} onChange={(event) => setSwitchAt(event.target.value)} help="Left out: as soon as the partner is seen to use it." />
        <TextField label="The old one ends on" type="datetime-local" value={retireAt} onChange={(event) => setRetireAt(event.target.value)} help="Left out: only when you end it." />
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || follower === undefined} onClick={() => void run()}>
          Plan it
        </Button>
      </DialogActions>
    </Dialog>
  )
}
