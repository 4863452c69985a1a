import { useState, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable } from '../../ui/facts.tsx'
import { Check, SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { ConnectionTest } from './connection-test.tsx'
import { documentOf, draftOf, emptyDraft, problemFor, slugOf, type Draft } from './draft.ts'
import ui from '../../ui/ui.module.css'

/** Adds a partner, or changes one: the same fields, then the live test. */
export function PartnerFormPage({ id }: { readonly id?: string }) {
  const existing = useCall(`partner.form ${id ?? ''}`, async (client) => (id === undefined ? null : await client.partners.show({ id })))
  if (existing.data === undefined)
    return <Page title="Partner">{existing.error === undefined ? <Skeleton height={320} /> : <ErrorPanel error={existing.error} />}</Page>
  return <Form initial={existing.data === null ? emptyDraft : draftOf(existing.data.document)} isNew={existing.data === null} />
}

function Form({ initial, isNew }: { readonly initial: Draft; readonly isNew: boolean }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [draft, setDraft] = useState(initial)
  const [saved, setSaved] = useState<string | null>(null)
  const set = (change: Partial<Draft>): void => {
    setSaved(null)
    setDraft((before) => ({ ...before, ...change }))
  }
  const problem = (field: string): string | undefined => problemFor(action.error?.details, field)

  const save = async (): Promise<void> => {
    const done = await action.run(async () => await client.partners.apply({ document: documentOf(draft) }))
    if (done !== undefined) {
      setSaved(done.partner.document.id)
      setDraft((before) => ({ ...before, id: done.partner.document.id, password: '', privateKey: '', passphrase: '', sealed: true }))
    }
  }

  return (
    <Page title={isNew ? 'Add partner' : `Edit ${initial.name}`} about="Save, then test: Waybill shows each step and what to do when one fails.">
      <form
        className={ui['stack']}
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <div className={ui['split']}>
          <Card title="Partner">
            <div className={ui['stack']}>
              <TextField
                label="Name"
                required
                value={draft.name}
                onChange={(event) => set({ name: event.target.value, ...(isNew && !draft.idTyped ? { id: slugOf(event.target.value) } : {}) })}
                problem={problem('name')}
              />
              <TextField label="Short name" required readOnly={!isNew} value={draft.id} onChange={(event) => set({ id: event.target.value, idTyped: true })} problem={problem('id')} help="Used on the command line and in records." />
              <TextField label="Notes" value={draft.notes} onChange={(event) => set({ notes: event.target.value })} problem={problem('notes')} />
            </div>
          </Card>
          <Card title="Server (SFTP)">
            <div className={ui['stack']}>
              <TextField label="Server" required spellCheck={false} placeholder="sftp.example.com" value={draft.host} onChange={(event) => set({ host: event.target.value.trim() })} problem={problem('connections[0].host')} />
              <TextField label="Port" required inputMode="numeric" value={draft.port} onChange={(event) => set({ port: event.target.value })} problem={problem('connections[0].port')} />
              <TextField label="Folder there" value={draft.folder} onChange={(event) => set({ folder: event.target.value })} problem={problem('folder')} help="“.” is the folder in which the server starts us." />
              <TextField label="Connections at once" inputMode="numeric" value={draft.maxConnections} onChange={(event) => set({ maxConnections: event.target.value })} problem={problem('maxConnections')} help="As many as the partner permits." />
              <ProxyFields draft={draft} set={set} problem={problem} />
            </div>
          </Card>
          <Card title="Sign-in">
            <SignIn draft={draft} set={set} problem={problem} />
          </Card>
        </div>
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy}>
            {action.busy ? 'Saving…' : 'Save partner'}
          </Button>
          {saved === null ? null : <Button onClick={() => navigate(`/partners/${saved}`)}>Done</Button>}
        </div>
      </form>
      {saved === null ? null : (
        <Card title="Live connection test">
          <ConnectionTest partner={saved} connection={draft.connection} onTrusted={() => undefined} />
        </Card>
      )}
    </Page>
  )
}

interface SignInProps {
  readonly draft: Draft
  readonly set: (change: Partial<Draft>) => void
  readonly problem: (field: string) => string | undefined
}

function ProxyFields({ draft, set, problem }: SignInProps): ReactNode {
  const kind = (
    <SelectField
      label="Proxy"
      value={draft.proxy}
      onChange={(event) => set({ proxy: event.target.value as Draft['proxy'] })}
      options={[
        ['', 'None'],
        ['http', 'HTTP'],
        ['socks5', 'SOCKS 5'],
      ]}
    />
  )
  if (draft.proxy === '') return kind
  return (
    <>
      {kind}
      <TextField label="Proxy server" required spellCheck={false} value={draft.proxyHost} onChange={(event) => set({ proxyHost: event.target.value.trim() })} problem={problem('proxy.host')} />
      <TextField label="Proxy port" required inputMode="numeric" value={draft.proxyPort} onChange={(event) => set({ proxyPort: event.target.value })} problem={problem('proxy.port')} />
      <TextField label="Proxy user name" autoComplete="off" spellCheck={false} value={draft.proxyUser} onChange={(event) => set({ proxyUser: event.target.value })} problem={problem('proxy.username')} help="Empty where the proxy asks for none." />
      {draft.proxyUser === '' ? null : (
        <TextField label="Proxy password" type="password" autoComplete="off" value={draft.proxyPassword} onChange={(event) => set({ proxyPassword: event.target.value })} problem={problem('proxy.password')} placeholder={draft.proxySealed ? 'unchanged' : ''} help="Sealed at once; it is never shown again." />
      )}
    </>
  )
}

function SignIn({ draft, set, problem }: SignInProps): ReactNode {
  return (
    <div className={ui['stack']}>
      <TextField label="User name" required spellCheck={false} autoComplete="off" value={draft.username} onChange={(event) => set({ username: event.target.value })} problem={problem('connections[0].username')} />
      <SelectField
        label="Method"
        value={draft.method}
        onChange={(event) => set({ method: event.target.value as Draft['method'], sealed: false })}
        options={[
          ['password', 'Password'],
          ['key', 'Private key'],
          ['generated', 'A new key made here'],
          ['agent', 'The SSH agent of this computer'],
        ]}
      />
      {draft.method === 'password' ? (
        <TextField
          label="Password"
          type="password"
          autoComplete="off"
          value={draft.password}
          onChange={(event) => set({ password: event.target.value })}
          problem={problem('auth.password')}
          placeholder={draft.sealed ? 'unchanged' : ''}
          help="Sealed at once; it is never shown again."
        />
      ) : null}
      {draft.method === 'key' ? <PastedKey draft={draft} set={set} problem={problem} /> : null}
      {draft.method === 'generated' ? <GeneratedKey draft={draft} set={set} /> : null}
      {draft.method === 'agent' ? (
        <TextField label="Key of the agent" spellCheck={false} placeholder="SHA256:…" value={draft.agentKey} onChange={(event) => set({ agentKey: event.target.value.trim() })} problem={problem('auth.key')} help="As “ssh-add -l” prints it. Empty: each key that the agent has, which some servers count as failed sign-ins." />
      ) : null}
      {draft.method === 'password' ? null : (
        <TextField
          label="Password besides the key"
          type="password"
          autoComplete="off"
          value={draft.besides}
          onChange={(event) => set({ besides: event.target.value })}
          problem={problem('auth.password')}
          placeholder={draft.besidesSealed ? 'unchanged' : ''}
          help="Only where the server asks for both."
        />
      )}
    </div>
  )
}

function PastedKey({ draft, set, problem }: SignInProps) {
  const [shown, setShown] = useState(!draft.sealed)
  if (!shown) return <Button onClick={() => setShown(true)}>Replace the sealed key</Button>
  return (
    <>
      <TextArea label="Private key" spellCheck={false} value={draft.privateKey} onChange={(event) => set({ privateKey: event.target.value })} problem={problem('privateKey')} placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" help="OpenSSH, PEM or PuTTY (.ppk): paste it, or choose the file." />
      <input
        type="file"
        aria-label="Private key file"
        onChange={(event) => {
          void event.target.files?.[0]?.text().then((privateKey) => set({ privateKey }))
        }}
      />
      <TextField label="Passphrase of the key" type="password" autoComplete="off" value={draft.passphrase} onChange={(event) => set({ passphrase: event.target.value })} problem={problem('passphrase')} />
    </>
  )
}

function GeneratedKey({ draft, set }: { readonly draft: Draft; readonly set: (change: Partial<Draft>) => void }) {
  const { client } = useHost()
  const action = useAction()
  const [rsa, setRsa] = useState(false)
  const generate = async (): Promise<void> => {
    const item = await action.run(async () => await client.trust.generate({ kind: 'ssh', algorithm: rsa ? 'rsa-3072' : 'ed25519', label: `Key for ${draft.name || draft.host || 'a partner'}` }))
    if (item !== undefined) set({ item: item.id, publicKey: item.publicKey ?? '' })
  }
  return (
    <>
      {draft.publicKey === '' ? (
        <>
          <Check label="The partner's server is old and needs RSA" checked={rsa} onChange={(event) => setRsa(event.target.checked)} />
          <Button disabled={action.busy} onClick={() => void generate()}>
            Make a key
          </Button>
        </>
      ) : (
        <div className={ui['stack']}>
          <p className="quiet small">Send this public part to the partner; the private part stays sealed here.</p>
          <Copyable value={draft.publicKey} label="public key" />
        </div>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </>
  )
}
