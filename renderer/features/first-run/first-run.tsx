import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { WorkspaceStatus } from '../../../shared/contract/workspace.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, TextField } from '../../ui/field.tsx'
import { RestoreBackup } from './restore-backup.tsx'
import css from './first-run.module.css'
import { Form } from '../../ui/form.tsx'
import ui from '../../ui/ui.module.css'

const LEAST = 10

/** From nothing to the first file: a workspace, then the practice partner or a real one. */
export function FirstRun({ status, onCreated, onDone }: { readonly status: WorkspaceStatus; readonly onCreated: () => void; readonly onDone: () => void }) {
  const [restoring, setRestoring] = useState(false)
  return (
    <main className={css['stage']}>
      <div className={css['panel']}>{status.state === 'open' ? <NextStep onDone={onDone} /> : restoring ? <RestoreBackup onBack={() => setRestoring(false)} /> : <CreateWorkspace status={status} onCreated={onCreated} onRestore={() => setRestoring(true)} />}</div>
    </main>
  )
}

function CreateWorkspace({ status, onCreated, onRestore }: { readonly status: WorkspaceStatus; readonly onCreated: () => void; readonly onRestore: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [passphrase, setPassphrase] = useState('')
  const [repeated, setRepeated] = useState('')
  const [shown, setShown] = useState(false)
  const [useKeychain, setUseKeychain] = useState(true)
  const [tried, setTried] = useState(false)
  const short = passphrase.length < LEAST ? `Use at least ${LEAST} characters; four unusual words are good.` : undefined
  const different = repeated === passphrase ? undefined : 'The two are not the same.'

  const create = async (): Promise<void> => {
    setTried(true)
    if (short !== undefined || different !== undefined) return
    // Said before the call: its answer and the announcement of it may come in either order.
    onCreated()
    await action.run(async () => await client.workspace.create({ passphrase, useKeychain: useKeychain && status.keychainAvailable }))
  }

  return (
    <Form className={ui['stack']} refused={action.error} onSubmit={() => void create()}>
      <div>
        <h1>Welcome to Waybill</h1>
        <p className="quiet">Your partners, keys and records live in one encrypted folder on this computer: the workspace.</p>
      </div>
      <TextField label="Passphrase" type={shown ? 'text' : 'password'} autoComplete="new-password" autoFocus value={passphrase} onChange={(event) => setPassphrase(event.target.value)} problem={tried ? short : undefined} help="It opens your records if this computer's keychain is ever lost. Write it down and keep it elsewhere." />
      <TextField label="Repeat passphrase" type={shown ? 'text' : 'password'} autoComplete="new-password" value={repeated} onChange={(event) => setRepeated(event.target.value)} problem={tried ? different : undefined} />
      <Check label="Show the passphrase" checked={shown} onChange={(event) => setShown(event.target.checked)} />
      {status.keychainAvailable ? (
        <Check label="Remember the key in this computer's keychain, so that Waybill opens without asking" checked={useKeychain} onChange={(event) => setUseKeychain(event.target.checked)} />
      ) : (
        <p className="quiet small">This computer&rsquo;s keychain does not answer, so Waybill will ask for the passphrase each time it starts.</p>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Button type="submit" look="primary" disabled={action.busy}>
        {action.busy ? 'Creating…' : 'Create workspace'}
      </Button>
      <p className="quiet small">Folder: {status.folder}</p>
      <Button look="plain" onClick={onRestore}>
        Restore a backup instead
      </Button>
    </Form>
  )
}

function NextStep({ onDone }: { readonly onDone: () => void }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const go = (path: string): void => {
    navigate(path)
    onDone()
  }
  const practise = async (): Promise<void> => {
    const started = await action.run(async () => await client.practice.start({}))
    if (started !== undefined) go('/partners/practice')
  }
  return (
    <div className={ui['stack']}>
      <ShieldCheck size={32} aria-hidden className={css['sign']} />
      <div>
        <h1>Your workspace is ready</h1>
        <p className="quiet">Try it with the practice partner first: a real server on this computer. Nothing leaves it.</p>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Button look="primary" disabled={action.busy} onClick={() => void practise()}>
        {action.busy ? 'Starting…' : 'Try the practice partner'}
      </Button>
      <Button onClick={() => go('/partners/new')}>Add a partner</Button>
      <Button look="plain" onClick={() => go('/')}>
        Look around first
      </Button>
    </div>
  )
}
