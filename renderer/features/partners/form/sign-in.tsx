import { useState } from 'react'
import { useHost } from '../../../lib/app-context.ts'
import { useAction } from '../../../lib/use-call.ts'
import { Button } from '../../../ui/button.tsx'
import { ErrorPanel } from '../../../ui/error-panel.tsx'
import { Copyable } from '../../../ui/facts.tsx'
import { Check, SelectField, TextArea, TextField } from '../../../ui/field.tsx'
import type { SecretValue, Values, VariantValue } from './values.ts'
import type { ControlProps } from './schema-fields.tsx'
import css from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

/** The sign-in of SFTP by hand: a key can be pasted, chosen as a file, or made here. */
export function SignIn({ field, value, path, problems, onChange }: ControlProps) {
  const { chosen, cases } = value as VariantValue
  const [making, setMaking] = useState(false)
  const values = cases[chosen] ?? {}
  const set = (change: Values): void => onChange({ chosen, cases: { ...cases, [chosen]: { ...values, ...change } } })
  const secret = (name: string): SecretValue => (values[name] as SecretValue | undefined) ?? { typed: '', sealed: false }
  const type = (name: string, typed: string): void => set({ [name]: { ...secret(name), typed } })
  const choose = (method: string): void => {
    setMaking(method === 'generated')
    onChange({ chosen: method === 'generated' ? 'key' : method, cases })
  }
  const password = (label: string, help: string) => (
    <TextField
      label={label}
      type="password"
      autoComplete="off"
      required={chosen === 'password' && !secret('password').sealed}
      value={secret('password').typed}
      onChange={(event) => type('password', event.target.value)}
      problem={problems.at(`${path}.password`)}
      placeholder={secret('password').sealed ? 'unchanged' : ''}
      help={help}
    />
  )
  return (
    <fieldset className={`${ui['fieldset'] ?? ''} ${css['wide'] ?? ''}`}>
      <legend className={ui['label']}>{field.title}</legend>
      <div className={css['fields']}>
        <SelectField
          label="Method"
          value={making ? 'generated' : chosen}
          onChange={(event) => choose(event.target.value)}
          options={[
            ['password', 'Password'],
            ['key', 'Private key'],
            ['generated', 'A new key made here'],
            ['agent', 'The SSH agent of this computer'],
          ]}
        />
        {chosen === 'password' ? password('Password', 'Sealed at once; it is never shown again.') : null}
        {chosen === 'key' && making ? <GeneratedKey onMade={(item) => set({ item, privateKey: { typed: '', sealed: false } })} /> : null}
        {chosen === 'key' && !making ? (
          <PastedKey
            item={String(values['item'] ?? '')}
            text={secret('privateKey').typed}
            passphrase={secret('passphrase').typed}
            problem={problems.at(`${path}.privateKey`)}
            passphraseProblem={problems.at(`${path}.passphrase`)}
            onKey={(typed) => set({ item: '', privateKey: { typed, sealed: false } })}
            onPassphrase={(typed) => type('passphrase', typed)}
          />
        ) : null}
        {chosen === 'agent' ? (
          <TextField label="Key of the agent" spellCheck={false} placeholder="SHA256:…" value={String(values['key'] ?? '')} onChange={(event) => set({ key: event.target.value.trim() })} problem={problems.at(`${path}.key`)} help="As “ssh-add -l” prints it. Empty: each key that the agent has, which some servers count as failed sign-ins." />
        ) : null}
        {chosen === 'password' ? null : password('Password besides the key', 'Only where the server asks for both.')}
      </div>
    </fieldset>
  )
}

function PastedKey({ item, text, passphrase, problem, passphraseProblem, onKey, onPassphrase }: { readonly item: string; readonly text: string; readonly passphrase: string; readonly problem: string | undefined; readonly passphraseProblem: string | undefined; readonly onKey: (text: string) => void; readonly onPassphrase: (text: string) => void }) {
  const [replacing, setReplacing] = useState(item === '')
  if (!replacing)
    return (
      <div className={ui['field']}>
        <span className="quiet small">A key is sealed for this sign-in.</span>
        <div>
          <Button onClick={() => setReplacing(true)}>Replace the sealed key</Button>
        </div>
      </div>
    )
  return (
    <div className={`${ui['stack'] ?? ''} ${css['wide'] ?? ''}`}>
      <TextArea label="Private key" spellCheck={false} value={text} onChange={(event) => onKey(event.target.value)} problem={problem} placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" help="OpenSSH, PEM or PuTTY (.ppk): paste it, or choose the file." />
      <input
        type="file"
        aria-label="Private key file"
        onChange={(event) => {
          void event.target.files?.[0]?.text().then(onKey)
        }}
      />
      <TextField label="Passphrase of the key" type="password" autoComplete="off" value={passphrase} onChange={(event) => onPassphrase(event.target.value)} problem={passphraseProblem} />
    </div>
  )
}

function GeneratedKey({ onMade }: { readonly onMade: (item: string) => void }) {
  const { client } = useHost()
  const action = useAction()
  const [rsa, setRsa] = useState(false)
  const [publicKey, setPublicKey] = useState('')
  const generate = async (): Promise<void> => {
    const item = await action.run(async () => await client.trust.generate({ kind: 'ssh', algorithm: rsa ? 'rsa-3072' : 'ed25519', label: 'Key for a partner' }))
    if (item === undefined) return
    setPublicKey(item.publicKey ?? '')
    onMade(item.id)
  }
  return (
    <div className={`${ui['stack'] ?? ''} ${css['wide'] ?? ''}`}>
      {publicKey === '' ? (
        <>
          <Check label="The partner's server is old and needs RSA" checked={rsa} onChange={(event) => setRsa(event.target.checked)} />
          <div>
            <Button disabled={action.busy} onClick={() => void generate()}>
              Make a key
            </Button>
          </div>
        </>
      ) : (
        <>
          <p className="quiet small">Send this public part to the partner; the private part stays sealed here.</p>
          <Copyable value={publicKey} label="public key" />
        </>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </div>
  )
}
