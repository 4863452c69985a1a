import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { TrustItem } from '../../../shared/contract/trust.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { Card, Empty, Guard, Page, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { ProvenanceText } from './provenance-text.tsx'
import ui from '../../ui/ui.module.css'

const KINDS: Readonly<Record<TrustItem['kind'], string>> = { 'ssh-host': 'Host key of a partner', 'ssh-ca': 'Authority for host keys', 'ssh-revoked': 'Revoked host key', 'ssh-client': 'Our SSH key', x509: 'Certificate', ca: 'Certificate authority', pgp: 'OpenPGP key' }

export function TrustPage() {
  const [search, setSearch] = useState('')
  const [dialog, setDialog] = useState<'import' | 'generate' | null>(null)
  const items = useCall(`trust.list ${search}`, (client) => client.trust.list({ limit: 500, ...(search === '' ? {} : { search }) }), (client, changed) => client.trust.onChanged(changed))
  const { data, error } = items
  return (
    <Page
      title="Keys & certificates"
      about="What each relationship rests on, and how we know it."
      actions={
        <>
          <Button onClick={() => setDialog('import')}>Import</Button>
          <Button look="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setDialog('generate')}>
            Make a key
          </Button>
        </>
      }
    >
      <TextField label="Search by name, fingerprint or kind" value={search} onChange={(event) => setSearch(event.target.value)} />
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data?.items.length === 0 ? <Empty title={search === '' ? 'Nothing here yet' : 'Nothing matches'}>{search === '' ? 'Keys appear here when you add a partner, import a key or make one.' : 'No key or certificate fits this search.'}</Empty> : null}
      {data !== undefined && data.items.length > 0 ? (
        <Card flush>
          <ul className={ui['list']}>
            {data.items.map((item) => (
              <li key={item.id} className={ui['pad']}>
                <Guard>
                  <Item item={item} />
                </Guard>
              </li>
            ))}
          </ul>
        </Card>
      ) : null}
      <ImportDialog open={dialog === 'import'} onClose={() => setDialog(null)} />
      <GenerateDialog open={dialog === 'generate'} onClose={() => setDialog(null)} />
    </Page>
  )
}

function Item({ item }: { readonly item: TrustItem }) {
  const { client } = useHost()
  const action = useAction()
  const [now] = useState(() => Date.now())
  const uses = item.bindings.filter(({ activeFrom, activeUntil }) => Date.parse(activeFrom) <= now && (activeUntil === null || now < Date.parse(activeUntil)))
  return (
    <div className={ui['stack']}>
      <div className={ui['row']}>
        <span className={`${ui['strong'] ?? ''} ${ui['grow'] ?? ''}`}>{item.label}</span>
        {item.state === 'retired' ? <Status tone="wait">Retired</Status> : uses.length > 0 ? <Status tone="ok">In use</Status> : <Status tone="wait">Not in use</Status>}
      </div>
      <Facts
        items={[
          ['What it is', `${KINDS[item.kind]}, ${item.algorithm}${item.bits === null ? '' : `, ${item.bits} bit`}${item.hasPrivateKey ? ', private part sealed here' : ''}`],
          ['Fingerprint', <Copyable key="print" value={item.fingerprint} label="fingerprint" />],
          ['Used by', uses.map(({ partner, connection, role }) => `${partner ?? 'our station'}/${connection ?? 'all'} (${role})`).join(', ')],
          ['How we know it', <ProvenanceText key="how" records={item.provenance} />],
          ['Public part', item.kind === 'ssh-client' && item.publicKey !== null ? <Copyable key="public" value={item.publicKey} label="public key" /> : null],
        ]}
      />
      {item.state === 'active' ? (
        <div>
          <Button compact disabled={action.busy} onClick={() => void action.run(async () => await client.trust.retire({ id: item.id }))}>
            Retire
          </Button>
        </div>
      ) : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </div>
  )
}

function ImportDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const host = useHost()
  const action = useAction()
  const [text, setText] = useState('')
  const [passphrase, setPassphrase] = useState('')
  const [label, setLabel] = useState('')
  const [note, setNote] = useState('')
  const run = async (): Promise<void> => {
    const done = await action.run(async () => {
      const capability = await host.fileCapability(new File([text], 'key.txt'))
      return await host.client.trust.import({
        source: { capability },
        ...(label === '' ? {} : { label }),
        ...(passphrase === '' ? {} : { passphrase }),
        ...(note === '' ? {} : { provenance: { source: 'other', note } }),
      })
    })
    if (done === undefined) return
    setText('')
    setPassphrase('')
    onClose()
  }
  return (
    <Dialog title="Import a key" open={open} onClose={onClose}>
      <TextArea label="Key" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} help="A private key (OpenSSH or PEM) or public key lines." />
      <input
        type="file"
        aria-label="Key file"
        onChange={(event) => {
          void event.target.files?.[0]?.text().then(setText)
        }}
      />
      <TextField label="Passphrase of the key" type="password" autoComplete="off" value={passphrase} onChange={(event) => setPassphrase(event.target.value)} />
      <TextField label="Label" value={label} onChange={(event) => setLabel(event.target.value)} />
      <TextField label="How do we know it is genuine?" value={note} onChange={(event) => setNote(event.target.value)} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || text.trim() === ''} onClick={() => void run()}>
          Import
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function GenerateDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [label, setLabel] = useState('')
  const [algorithm, setAlgorithm] = useState<'ed25519' | 'rsa-3072' | 'rsa-4096'>('ed25519')
  const run = async (): Promise<void> => {
    if ((await action.run(async () => await client.trust.generate({ kind: 'ssh', label, algorithm }))) !== undefined) onClose()
  }
  return (
    <Dialog title="Make an SSH key" open={open} onClose={onClose}>
      <TextField label="Label" autoFocus value={label} onChange={(event) => setLabel(event.target.value)} />
      <SelectField
        label="Kind"
        value={algorithm}
        onChange={(event) => setAlgorithm(event.target.value as typeof algorithm)}
        options={[
          ['ed25519', 'Ed25519 (recommended)'],
          ['rsa-3072', 'RSA, 3072 bit'],
          ['rsa-4096', 'RSA, 4096 bit'],
        ]}
      />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || label.trim() === ''} onClick={() => void run()}>
          Make
        </Button>
      </DialogActions>
    </Dialog>
  )
}
