import { FileKey2 } from 'lucide-react'
import { useState, type DragEvent } from 'react'
import { useLocation } from 'wouter'
import type { PreviewItem } from '../../../shared/contract/trust.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { Card } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { FitnessList, ItemFacts } from './item-preview.tsx'
import ui from '../../ui/ui.module.css'

type Source = 'phone' | 'mail' | 'portal' | 'in-person' | 'partner-file' | 'other'

const SOURCES: readonly (readonly [Source, string])[] = [
  ['mail', 'It came by mail'],
  ['phone', 'Fingerprint compared by phone'],
  ['in-person', 'Handed over in person'],
  ['portal', 'From the partner’s web page'],
  ['partner-file', 'From a partner’s file'],
  ['other', 'Another way'],
]

interface Shown {
  readonly format: string
  readonly items: readonly PreviewItem[]
}

/** File, paste or drop; then a look at what it would bring; then it is kept. */
export function ImportDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const host = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [file, setFile] = useState<File | null>(null)
  const [text, setText] = useState('')
  const [passphrase, setPassphrase] = useState('')
  const [shown, setShown] = useState<Shown | null>(null)
  const [source, setSource] = useState<Source>('mail')
  const [person, setPerson] = useState('')
  const [note, setNote] = useState('')
  const [over, setOver] = useState(false)

  const close = (): void => {
    setFile(null)
    setText('')
    setPassphrase('')
    setShown(null)
    setPerson('')
    setNote('')
    action.clear()
    onClose()
  }
  /** A capability serves once. */
  const request = async (): Promise<{ source: { capability: string }; passphrase?: string }> => ({
    source: { capability: await host.fileCapability(file ?? new File([text], 'pasted.txt')) },
    ...(passphrase === '' ? {} : { passphrase }),
  })
  const look = async (): Promise<void> => {
    const answer = await action.run(async () => await host.client.trust.preview(await request()))
    if (answer !== undefined) setShown(answer)
  }
  const keep = async (): Promise<void> => {
    const done = await action.run(
      async () => await host.client.trust.import({ ...(await request()), provenance: { source, ...(person === '' ? {} : { person }), ...(note === '' ? {} : { note }) } }),
    )
    if (done === undefined) return
    const [first] = done.items
    close()
    if (first !== undefined) navigate(`/trust/${first.id}`)
  }
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    setOver(false)
    const [dropped] = event.dataTransfer.files
    if (dropped !== undefined) setFile(dropped)
  }
  const needsPassphrase = action.error?.code === 'key.passphrase_needed' || action.error?.code === 'key.wrong_passphrase' || passphrase !== ''

  return (
    <Dialog title={shown === null ? 'Import a key or certificate' : `This file is ${shown.format}`} open={open} onClose={close} wide>
      {shown === null ? (
        <>
          <div className={`${ui['drop'] ?? ''} ${over ? (ui['over'] ?? '') : ''}`} onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)} onDrop={drop}>
            <FileKey2 size={22} aria-hidden />
            <span>{file === null ? 'Drop a file here, or choose one.' : file.name}</span>
            <input
              type="file"
              aria-label="Key or certificate file"
              onChange={(event) => {
                const [chosen] = event.target.files ?? []
                if (chosen !== undefined) setFile(chosen)
              }}
            />
            <span className="quiet small">Certificates (PEM, DER, PKCS#7, PKCS#12), SSH keys (OpenSSH, PuTTY, known_hosts), OpenPGP keys</span>
          </div>
          {file === null ? <TextArea label="Or paste it" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} /> : null}
          {needsPassphrase ? <TextField label="Password of the file" type="password" autoFocus autoComplete="off" value={passphrase} onChange={(event) => setPassphrase(event.target.value)} /> : null}
          {action.error ? <ErrorPanel error={action.error} /> : null}
          <DialogActions>
            <Button onClick={close}>Cancel</Button>
            <Button look="primary" disabled={action.busy || (file === null && text.trim() === '')} onClick={() => void look()}>
              Look at it
            </Button>
          </DialogActions>
        </>
      ) : (
        <>
          {shown.items.map((item) => (
            <PreviewCard key={`${item.kind} ${item.fingerprint}`} item={item} />
          ))}
          <SelectField label="How do we know it is genuine?" value={source} onChange={(event) => setSource(event.target.value as Source)} options={SOURCES} />
          <TextField label="Who confirmed it" value={person} onChange={(event) => setPerson(event.target.value)} />
          <TextField label="Note" value={note} onChange={(event) => setNote(event.target.value)} />
          {action.error ? <ErrorPanel error={action.error} /> : null}
          <DialogActions>
            <Button onClick={() => setShown(null)}>Back</Button>
            <Button look="primary" disabled={action.busy} onClick={() => void keep()}>
              Keep {shown.items.length === 1 ? 'it' : `all ${shown.items.length}`}
            </Button>
          </DialogActions>
        </>
      )}
    </Dialog>
  )
}

function PreviewCard({ item }: { readonly item: PreviewItem }) {
  return (
    <Card title={item.label}>
      <div className={ui['stack']}>
        {item.known === null ? null : (
          <p>
            <Status tone="run">Known already</Status> as {item.known.label}
            {item.known.adds.length === 0 ? '; nothing new in it.' : `; it adds ${item.known.adds.map((what) => ({ 'private-key': 'the private key', chain: 'the certificates above it', renewal: 'newer statements of its owner' })[what]).join(' and ')}.`}
          </p>
        )}
        {item.remarks.map(({ code, severity, message }) => (
          <p key={code}>
            <Status tone={severity === 'error' ? 'bad' : 'warn'}>{severity === 'error' ? 'Do not use it' : 'Have a look'}</Status> {message}
          </p>
        ))}
        <ItemFacts item={item} />
        <h3>What it could be used for</h3>
        <FitnessList fitness={item.fitness} />
      </div>
    </Card>
  )
}
