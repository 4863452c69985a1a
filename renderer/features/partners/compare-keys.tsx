import { useState } from 'react'
import type { z } from 'zod'
import type { PresentedHostKey } from '../../../shared/contract/partners.ts'
import type { ProvenanceInput } from '../../../shared/contract/connections/common.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { compareFingerprints } from './fingerprints.ts'

type Presented = z.infer<typeof PresentedHostKey>

/** The explicit act: a fingerprint learned by another way is held against the presented one, and how it was learned is written down. */
export function CompareKeys({ partner, connection, hostKey, open, onClose, onPinned }: { readonly partner: string; readonly connection: string; readonly hostKey: Presented; readonly open: boolean; readonly onClose: () => void; readonly onPinned: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [told, setTold] = useState('')
  const [source, setSource] = useState<ProvenanceInput['source']>('phone')
  const [person, setPerson] = useState('')
  const [note, setNote] = useState('')
  const [replace, setReplace] = useState(false)
  const verdict = compareFingerprints(told, hostKey.fingerprint)

  const pin = async (): Promise<void> => {
    const pinned = await action.run(
      async () =>
        await client.trust.pinHostKey({
          partner,
          connection,
          fingerprint: hostKey.fingerprint,
          replace,
          provenance: { source, ...(person === '' ? {} : { person }), ...(note === '' ? {} : { note }) },
        }),
    )
    if (pinned === undefined) return
    toast('ok', 'Confirmed', 'This server is now trusted for this connection.')
    onPinned()
  }

  return (
    <Dialog title="Is this the partner's server?" open={open} onClose={onClose} wide>
      <p className="quiet">Ask the partner for the fingerprint of its host key: by phone, on a page you trust, or on paper. Do not copy it from here.</p>
      <Facts
        items={[
          ['The server shows', <Copyable key="now" value={hostKey.fingerprint} label="presented fingerprint" />],
          ['Kind', `${hostKey.algorithm}${hostKey.bits === null ? '' : `, ${hostKey.bits} bit`}`],
          ['Trusted so far', hostKey.expected.length === 0 ? 'none' : hostKey.expected.map(({ fingerprint }) => <div key={fingerprint} className="mono">{fingerprint}</div>)],
        ]}
      />
      <TextField label="Fingerprint from the partner" placeholder="SHA256:…" autoFocus spellCheck={false} value={told} onChange={(event) => setTold(event.target.value)} />
      <div role="status">
        {verdict === 'same' ? <Status tone="ok">The two are the same</Status> : null}
        {verdict === 'different' ? <Status tone="bad">They differ: do not trust this server, and call the partner</Status> : null}
        {verdict === 'incomplete' ? <Status tone="wait">Enter the whole fingerprint to compare</Status> : null}
      </div>
      <SelectField
        label="How did you learn it?"
        value={source}
        onChange={(event) => setSource(event.target.value as ProvenanceInput['source'])}
        options={[
          ['phone', 'By phone'],
          ['mail', 'By mail'],
          ['portal', 'On the partner’s web page'],
          ['in-person', 'In person'],
          ['other', 'Another way'],
        ]}
      />
      <TextField label="Who confirmed it" value={person} onChange={(event) => setPerson(event.target.value)} />
      <TextField label="Note" value={note} onChange={(event) => setNote(event.target.value)} />
      {hostKey.expected.length > 0 ? <Check label="This key replaces the earlier ones (leave empty while the partner uses both)" checked={replace} onChange={(event) => setReplace(event.target.checked)} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={verdict !== 'same' || action.busy} onClick={() => void pin()}>
          Trust this server
        </Button>
      </DialogActions>
    </Dialog>
  )
}
