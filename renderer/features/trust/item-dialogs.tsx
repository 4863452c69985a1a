import { useState } from 'react'
import type { Role, TrustItemDetail } from '../../../shared/contract/trust.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { saveFile } from './save-file.ts'
import { isFit, ROLES } from './words.ts'
import ui from '../../ui/ui.module.css'

interface ItemDialog {
  readonly item: TrustItemDetail
  readonly open: boolean
  readonly onClose: () => void
}

/** For whom, what for, and from when to when. */
export function BindDialog({ item, open, onClose }: ItemDialog) {
  const { client } = useHost()
  const action = useAction()
  const partners = useCall('partners.list all', (caller) => caller.partners.list({ limit: 1000 }))
  const fit = item.fitness.filter(isFit).map(({ role }) => role)
  const [partner, setPartner] = useState('')
  const [connection, setConnection] = useState('')
  const [role, setRole] = useState<Role | ''>('')
  const [from, setFrom] = useState('')
  const [until, setUntil] = useState('')
  const chosen = partners.data?.partners.find(({ id }) => id === partner)
  const bind = async (): Promise<void> => {
    const wanted = role === '' ? fit[0] : role
    if (wanted === undefined) return
    const done = await action.run(
      async () =>
        await client.trust.bind({
          item: item.id,
          role: wanted,
          ...(partner === '' ? {} : { partner }),
          ...(connection === '' ? {} : { connection }),
          ...(from === '' ? {} : { activeFrom: new Date(from).toISOString() }),
          ...(until === '' ? {} : { activeUntil: new Date(until).toISOString() }),
        }),
    )
    if (done !== undefined) onClose()
  }
  return (
    <Dialog title={`Use ${item.label} for…`} open={open} onClose={onClose}>
      {fit.length === 0 ? <p>It is fit for nothing at present; the page says why.</p> : null}
      <SelectField label="What for" value={role === '' ? (fit[0] ?? '') : role} onChange={(event) => setRole(event.target.value as Role)} options={fit.map((one) => [one, ROLES[one]])} />
      <SelectField
        label="Partner"
        value={partner}
        onChange={(event) => {
          setPartner(event.target.value)
          setConnection('')
        }}
        options={[['', 'Our station: every partner that has none of its own'], ...(partners.data?.partners ?? []).map(({ id, name }) => [id, name] as const)]}
      />
      {chosen !== undefined && chosen.connections.length > 1 ? (
        <SelectField label="Connection" value={connection} onChange={(event) => setConnection(event.target.value)} options={[['', 'All of them'], ...chosen.connections.map(({ id, protocol }) => [id, `${id} (${protocol.toUpperCase()})`] as const)]} />
      ) : null}
      <div className={ui['split']}>
        <TextField label="From" type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} help="Left out: at once." />
        <TextField label="Until" type="datetime-local" value={until} onChange={(event) => setUntil(event.target.value)} help="Left out: until it is ended." />
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || fit.length === 0} onClick={() => void bind()}>
          Use it
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** The fingerprint is typed or pasted as it was told, not shown to be agreed to. */
export function ConfirmItemDialog({ item, open, onClose }: ItemDialog) {
  const { client } = useHost()
  const action = useAction()
  const [compared, setCompared] = useState('')
  const [person, setPerson] = useState('')
  const [source, setSource] = useState<'phone' | 'in-person' | 'portal'>('phone')
  const confirm = async (): Promise<void> => {
    if ((await action.run(async () => await client.trust.confirm({ id: item.id, compared, person, source }))) !== undefined) onClose()
  }
  return (
    <Dialog title={`Confirm ${item.label}`} open={open} onClose={onClose}>
      <p>Ask its owner for the fingerprint on another way than the one on which it came, and enter what you are told.</p>
      <TextField label="Fingerprint as it was told (SHA-256 or SHA-1)" autoFocus spellCheck={false} value={compared} onChange={(event) => setCompared(event.target.value)} />
      <TextField label="Who told it" value={person} onChange={(event) => setPerson(event.target.value)} />
      <SelectField
        label="How"
        value={source}
        onChange={(event) => setSource(event.target.value as typeof source)}
        options={[
          ['phone', 'By phone'],
          ['in-person', 'In person'],
          ['portal', 'On the partner’s web page'],
        ]}
      />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || compared.trim().length < 8 || person.trim() === ''} onClick={() => void confirm()}>
          It is the same
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** The only way out for a private key: under a password, with a reason, recorded. */
export function ExportPrivateDialog({ item, open, onClose }: ItemDialog) {
  const { client } = useHost()
  const action = useAction()
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [reason, setReason] = useState('')
  const [sure, setSure] = useState(false)
  const run = async (): Promise<void> => {
    const file = await action.run(async () => await client.trust.exportPrivate({ id: item.id, password, reason, confirmed: true }))
    if (file === undefined) return
    saveFile(file)
    setPassword('')
    setAgain('')
    setSure(false)
    onClose()
  }
  return (
    <Dialog title={`Private key of ${item.label}`} open={open} onClose={onClose}>
      <p>Whoever has this file and its password can sign and decrypt in our name. It stands in the audit trail who took it, when and why.</p>
      <TextField label="Password of the file" type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} help="At least 12 characters." />
      <TextField label="Once more" type="password" autoComplete="new-password" value={again} onChange={(event) => setAgain(event.target.value)} problem={again !== '' && again !== password ? 'The two differ.' : undefined} />
      <TextField label="Reason" value={reason} onChange={(event) => setReason(event.target.value)} />
      <Check label="Yes, the private key is to leave this workspace" checked={sure} onChange={(event) => setSure(event.target.checked)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="danger" disabled={action.busy || !sure || password.length < 12 || again !== password || reason.trim().length < 5} onClick={() => void run()}>
          Save the file
        </Button>
      </DialogActions>
    </Dialog>
  )
}
