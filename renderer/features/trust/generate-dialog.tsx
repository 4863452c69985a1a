import { useState } from 'react'
import { useLocation } from 'wouter'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import ui from '../../ui/ui.module.css'

type Kind = 'x509' | 'ssh' | 'pgp'

const YEARS = [
  ['365', '1 year'],
  ['730', '2 years'],
  ['1095', '3 years'],
] as const

/** A key of our own: for AS2 and TLS, for signing in, for OpenPGP. */
export function GenerateDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [kind, setKind] = useState<Kind>('x509')
  const [name, setName] = useState('')
  const [organization, setOrganization] = useState('')
  const [email, setEmail] = useState('')
  const [days, setDays] = useState('1095')
  const [size, setSize] = useState('rsa-3072')
  const [algorithm, setAlgorithm] = useState('ed25519')
  const [useIt, setUseIt] = useState(true)

  const make = async (): Promise<void> => {
    const bind = useIt ? (kind === 'x509' ? (['sign', 'decrypt'] as const) : (['pgp-sign', 'pgp-decrypt'] as const)).map((role) => ({ role })) : []
    const item = await action.run(async () => {
      if (kind === 'ssh') return await client.trust.generate({ kind, label: name, algorithm: algorithm as 'ed25519' })
      if (kind === 'pgp') return await client.trust.generate({ kind, name, algorithm: algorithm as 'ed25519', days: Number(days), bind, ...(email === '' ? {} : { email }) })
      return await client.trust.generate({ kind, subject: { commonName: name, ...(organization === '' ? {} : { organization }), ...(email === '' ? {} : { email }) }, key: size as 'rsa-3072', days: Number(days), bind })
    })
    if (item === undefined) return
    setName('')
    onClose()
    navigate(`/trust/${item.id}`)
  }

  return (
    <Dialog title="Make a key" open={open} onClose={onClose}>
      <SelectField
        label="What for"
        value={kind}
        onChange={(event) => setKind(event.target.value as Kind)}
        options={[
          ['x509', 'AS2 and TLS: a key with a certificate'],
          ['ssh', 'SFTP: a key to sign in with'],
          ['pgp', 'OpenPGP: a key to sign and decrypt files'],
        ]}
      />
      <TextField label={kind === 'ssh' ? 'What it is called here' : kind === 'pgp' ? 'Name' : 'Name in the certificate'} autoFocus value={name} onChange={(event) => setName(event.target.value)} help={kind === 'x509' ? 'Often our AS2 identifier.' : undefined} />
      {kind === 'x509' ? <TextField label="Company" value={organization} onChange={(event) => setOrganization(event.target.value)} /> : null}
      {kind === 'ssh' ? null : <TextField label="E-mail address" type="email" value={email} onChange={(event) => setEmail(event.target.value)} />}
      <div className={ui['split']}>
        {kind === 'x509' ? (
          <SelectField
            label="Key"
            value={size}
            onChange={(event) => setSize(event.target.value)}
            options={[
              ['rsa-3072', 'RSA, 3072 bit (recommended)'],
              ['rsa-2048', 'RSA, 2048 bit'],
              ['rsa-4096', 'RSA, 4096 bit'],
            ]}
          />
        ) : (
          <SelectField
            label="Key"
            value={algorithm}
            onChange={(event) => setAlgorithm(event.target.value)}
            options={[
              ['ed25519', 'Ed25519 (recommended)'],
              ['rsa-3072', 'RSA, 3072 bit'],
              ['rsa-4096', 'RSA, 4096 bit'],
            ]}
          />
        )}
        {kind === 'ssh' ? null : <SelectField label="Valid for" value={days} onChange={(event) => setDays(event.target.value)} options={YEARS} />}
      </div>
      {kind === 'ssh' ? null : <Check label="Use it at once for every partner that has none of its own" checked={useIt} onChange={(event) => setUseIt(event.target.checked)} />}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || name.trim() === ''} onClick={() => void make()}>
          Make
        </Button>
      </DialogActions>
    </Dialog>
  )
}
