import { useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { pendingBindings } from './words.ts'
import ui from '../../ui/ui.module.css'

const timeOf = (text: string): string => new Date(text).toISOString()

/** From which item to which, for whom, and when. */
export function PlanDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const items = useCall('trust.list plan', (caller) => caller.trust.list({ limit: 1000 }), (caller, changed) => caller.trust.onChanged(changed))
  const [now] = useState(() => Date.now())
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [partner, setPartner] = useState('')
  const [announceAt, setAnnounceAt] = useState('')
  const [switchAt, setSwitchAt] = useState('')
  const [retireAt, setRetireAt] = useState('')
  const active = (items.data?.items ?? []).filter(({ state }) => state === 'active')
  const bound = active.filter((item) => pendingBindings(item, now).length > 0)
  const chosen = bound.find(({ id }) => id === old) ?? bound[0]
  const others = active.filter(({ id, kind, hasPrivateKey }) => chosen !== undefined && id !== chosen.id && kind === chosen.kind && (hasPrivateKey || !chosen.hasPrivateKey))
  const follower = others.find(({ id }) => id === next) ?? others[0]
  const users = [...new Set((chosen === undefined ? [] : pendingBindings(chosen, now)).flatMap((binding) => (binding.partner === null ? [] : [binding.partner])))]
  const run = async (): Promise<void> => {
    if (chosen === undefined || follower === undefined) return
    const done = await action.run(
      async () =>
        await client.rollover.plan({
          old: chosen.id,
          next: follower.id,
          ...(users.includes(partner) ? { partner } : {}),
          ...(announceAt === '' ? {} : { announceAt: timeOf(announceAt) }),
          ...(switchAt === '' ? {} : { switchAt: timeOf(switchAt) }),
          ...(retireAt === '' ? {} : { retireAt: timeOf(retireAt) }),
        }),
    )
    if (done !== undefined) onClose()
  }
  return (
    <Dialog title="Plan a change" open={open} onClose={onClose}>
      <SelectField label="Old" value={chosen?.id ?? ''} onChange={(event) => setOld(event.target.value)} options={bound.map(({ id, label, fingerprint }) => [id, `${label} (${fingerprint.slice(0, 18)}…)`])} />
      <SelectField label="Next" value={follower?.id ?? ''} onChange={(event) => setNext(event.target.value)} options={others.map(({ id, label, fingerprint }) => [id, `${label} (${fingerprint.slice(0, 18)}…)`])} help={others.length === 0 ? 'Import or make the next one first.' : 'It serves for everything that the old one is used for.'} />
      {users.length > 1 ? <SelectField label="For" value={partner} onChange={(event) => setPartner(event.target.value)} options={[['', `Everybody who uses it (${users.length} partners)`], ...users.map((id) => [id, id] as const)]} /> : null}
      <div className={ui['split']}>
        <TextField label="Partners are told on" type="datetime-local" value={announceAt} onChange={(event) => setAnnounceAt(event.target.value)} help="You are reminded of those who were not told." />
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
