import { useState } from 'react'
import type { PreviewItem, TrustItem } from '../../../shared/contract/trust.ts'
import type { WaybillClient } from '../../../shared/contract/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { NO_PROVENANCE, ProvenanceFields, provenanceOf } from './provenance-fields.tsx'
import type { BindAct } from './readiness.ts'
import ui from '../../ui/ui.module.css'

type Way = 'make' | 'file' | 'inventory'

interface Props {
  readonly partner: string
  readonly partnerName: string
  readonly connection: string
  readonly act: BindAct
  readonly items: readonly TrustItem[]
  /** How a certificate or key made here is named. */
  readonly ourName: string
  readonly onClose: () => void
}

const THINGS = { x509: 'certificate', pgp: 'OpenPGP key' } as const

/** Provides a certificate or key for its roles: from a file, from the inventory, or made here. */
export function BindDialog(props: Props) {
  const { act, items, onClose } = props
  const candidates = items.filter((item) => item.kind === act.material && item.state === 'active' && (act.whose === 'theirs' || item.hasPrivateKey))
  const ways: readonly (readonly [Way, string])[] = [
    ...(act.whose === 'ours' ? ([['make', 'Make a new one here']] as const) : []),
    ['file', 'It is in a file'],
    ...(candidates.length > 0 ? ([['inventory', 'It is in the inventory']] as const) : []),
  ]
  const [way, setWay] = useState<Way>(act.whose === 'ours' ? 'make' : 'file')
  const [made, setMade] = useState<TrustItem | null>(null)
  const title = `${act.whose === 'ours' ? 'Our' : 'Their'} ${act.roles.includes('tls-caller') ? 'TLS client certificate' : THINGS[act.material]}`
  return (
    <Dialog title={title} open onClose={onClose} wide>
      {made === null ? (
        <>
          <SelectField label="Where is it?" value={way} onChange={(event) => setWay(event.target.value as Way)} options={ways} />
          {way === 'make' ? <Make {...props} onMade={setMade} /> : null}
          {way === 'file' ? <FromFile {...props} /> : null}
          {way === 'inventory' ? <FromInventory {...props} candidates={candidates} /> : null}
        </>
      ) : (
        <HandOver item={made} {...props} />
      )}
    </Dialog>
  )
}

/** Theirs belong to this connection's partner; ours serve every partner. */
function targetsOf({ partner, connection, act }: Props) {
  return act.roles.map((role) => (act.whose === 'theirs' ? { partner, connection, role } : { role }))
}

function Make({ act, ourName, onMade, onClose, ...rest }: Props & { readonly onMade: (item: TrustItem) => void }) {
  const { client } = useHost()
  const action = useAction()
  const [name, setName] = useState(ourName)
  const [email, setEmail] = useState('')
  const bind = targetsOf({ act, ourName, onClose, ...rest })
  const make = async (): Promise<void> => {
    const item = await action.run(
      async () => await (act.material === 'x509' ? client.trust.generate({ kind: 'x509', subject: { commonName: name }, bind }) : client.trust.generate({ kind: 'pgp', name, ...(email === '' ? {} : { email }), bind })),
    )
    if (item !== undefined) onMade(item)
  }
  return (
    <>
      <p className="quiet">{act.material === 'x509' ? 'A self-signed certificate with a 3072-bit RSA key, valid for three years, as AS2 partners expect it.' : 'A key on Curve25519, which every GnuPG since 2.1 reads.'} Its private half is sealed here. It serves every partner that has none of its own.</p>
      <TextField label="Name in it" required value={name} onChange={(event) => setName(event.target.value)} problem={action.error?.details?.['subject.commonName'] ?? action.error?.details?.['name']} />
      {act.material === 'pgp' ? <TextField label="E-mail in it" type="email" value={email} onChange={(event) => setEmail(event.target.value)} problem={action.error?.details?.['email']} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || name.trim() === ''} onClick={() => void make()}>
          {action.busy ? 'Making…' : 'Make it'}
        </Button>
      </DialogActions>
    </>
  )
}

function FromFile(props: Props) {
  const { act, onClose, partnerName } = props
  const host = useHost()
  const action = useAction()
  const [capability, setCapability] = useState<string | null>(null)
  const [passphrase, setPassphrase] = useState('')
  const [found, setFound] = useState<readonly PreviewItem[] | null>(null)
  const [provenance, setProvenance] = useState(NO_PROVENANCE)
  const [needsPassphrase, setNeedsPassphrase] = useState(act.whose === 'ours')

  const look = async (granted: string): Promise<void> => {
    const answer = await action.run(async () => await host.client.trust.preview({ source: { capability: granted }, ...(act.material === 'x509' ? { kind: 'x509' as const } : {}), ...(passphrase === '' ? {} : { passphrase }) }))
    setNeedsPassphrase((before) => before || answer === undefined)
    setFound(answer?.items ?? null)
  }
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    const granted = await action.run(async () => await host.fileCapability(file))
    if (granted === undefined) return
    setCapability(granted)
    await look(granted)
  }
  const use = async (): Promise<void> => {
    if (capability === null) return
    const done = await action.run(
      async () =>
        await host.client.trust.import({
          source: { capability },
          ...(act.material === 'x509' ? { kind: 'x509' as const } : {}),
          ...(passphrase === '' ? {} : { passphrase }),
          ...(act.whose === 'theirs' ? { provenance: provenanceOf(provenance) } : {}),
          bind: targetsOf(props),
        }),
    )
    if (done === undefined) return
    toast('ok', 'Put to use', act.whose === 'theirs' ? `${partnerName}’s ${THINGS[act.material]} is in use.` : `Our ${THINGS[act.material]} is in use.`)
    onClose()
  }
  return (
    <>
      <div className={ui['field']}>
        <label className={ui['label']} htmlFor="material-file">
          File
        </label>
        <input id="material-file" type="file" onChange={(event) => void take(event.target.files?.[0])} />
        <div className={ui['help']}>{act.material === 'x509' ? 'PEM, DER, PKCS#7 (.p7b) or PKCS#12 (.p12, .pfx).' : 'An OpenPGP key, armoured (.asc) or binary.'}</div>
      </div>
      {needsPassphrase ? <TextField label="Passphrase of the file" type="password" autoComplete="off" value={passphrase} onChange={(event) => setPassphrase(event.target.value)} onBlur={() => (capability === null || passphrase === '' ? undefined : void look(capability))} /> : null}
      {found?.map((item) => (
        <FoundItem key={item.fingerprint} item={item} act={act} />
      ))}
      {act.whose === 'theirs' ? (
        <>
          <p className="quiet">Compare the fingerprint with the partner by another way than the file came.</p>
          <ProvenanceFields value={provenance} onChange={setProvenance} />
        </>
      ) : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || found === null} onClick={() => void use()}>
          Use it
        </Button>
      </DialogActions>
    </>
  )
}

function FoundItem({ item, act }: { readonly item: PreviewItem; readonly act: BindAct }) {
  const problems = [...item.remarks, ...item.fitness.filter(({ role }) => act.roles.includes(role)).flatMap((fitness) => fitness.problems)]
  const once = [...new Map(problems.map((problem) => [problem.message, problem])).values()]
  return (
    <div className={ui['stack']}>
      <Facts
        items={[
          ['What it is', `${item.label}, ${item.algorithm}${item.bits === null ? '' : `, ${item.bits} bit`}${item.hasPrivateKey ? ', with its private key' : ''}`],
          ['Issued by', item.x509?.issuer],
          ['Fingerprint', <Copyable key="print" value={item.fingerprint} label="fingerprint" />],
          ['Valid until', item.notAfter === null ? null : absoluteText(item.notAfter).slice(0, 10)],
          ['In the inventory', item.known === null ? null : `already, as ${item.known.label}`],
        ]}
      />
      {once.map(({ message, severity }) => (
        <p key={message} className={ui['row']}>
          <Status tone={severity === 'error' ? 'bad' : 'warn'}>{severity === 'error' ? 'Not usable' : 'Look at it'}</Status>
          <span className={ui['grow']}>{message}</span>
        </p>
      ))}
    </div>
  )
}

function FromInventory({ candidates, ...props }: Props & { readonly candidates: readonly TrustItem[] }) {
  const { act, onClose } = props
  const { client } = useHost()
  const action = useAction()
  const [item, setItem] = useState(candidates[0]?.id ?? '')
  const chosen = candidates.find(({ id }) => id === item)
  const use = async (): Promise<void> => {
    const done = await action.run(async () => {
      for (const target of targetsOf(props)) await client.trust.bind({ item, ...target })
      return true
    })
    if (done === undefined) return
    toast('ok', 'Put to use', `${chosen?.label ?? 'The item'} is in use.`)
    onClose()
  }
  return (
    <>
      <SelectField label={act.material === 'x509' ? 'Certificate' : 'Key'} value={item} onChange={(event) => setItem(event.target.value)} options={candidates.map(({ id, label, notAfter }) => [id, `${label}${notAfter === null ? '' : `, until ${notAfter.slice(0, 10)}`}`] as const)} />
      {chosen === undefined ? null : <Copyable value={chosen.fingerprint} label="fingerprint" />}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={action.busy || chosen === undefined} onClick={() => void use()}>
          Use it
        </Button>
      </DialogActions>
    </>
  )
}

/** The public half, for the partner. */
function HandOver({ item, act, partnerName, onClose }: Props & { readonly item: TrustItem }) {
  const { client } = useHost()
  const action = useAction()
  return (
    <>
      <p>
        It is made and in use. {partnerName} needs its public half: send it, and read the fingerprint out over the phone.
      </p>
      <Facts items={[['Fingerprint', <Copyable key="print" value={item.fingerprint} label="fingerprint" />]]} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button disabled={action.busy} onClick={() => void action.run(async () => await download(client, item.id))}>
          Save {act.material === 'x509' ? 'certificate' : 'public key'}…
        </Button>
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </>
  )
}

async function download(client: WaybillClient, id: string): Promise<void> {
  const { fileName, text } = await client.trust.export({ id, format: 'pem' })
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  URL.revokeObjectURL(address)
}
