import { useState } from 'react'
import type { z } from 'zod'
import type { PresentedCertificate, PresentedHostKey } from '../../../shared/contract/partners.ts'
import type { Connection } from '../../../shared/contract/connections/index.ts'
import type { WaybillClient } from '../../../shared/contract/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Check, TextField } from '../../ui/field.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { compareCertificates, compareFingerprints } from './fingerprints.ts'
import { NO_PROVENANCE, ProvenanceFields, provenanceOf } from './provenance-fields.tsx'

/** What the server showed: an SSH host key or a TLS certificate. */
export type Shown = { readonly kind: 'host-key'; readonly key: z.infer<typeof PresentedHostKey> } | { readonly kind: 'certificate'; readonly certificate: z.infer<typeof PresentedCertificate> }

/** The explicit act: a fingerprint learned by another way is held against the presented one, and how it was learned is written down. */
export function CompareKeys({ partner, connection, shown, open, onClose, onPinned }: { readonly partner: string; readonly connection: string; readonly shown: Shown; readonly open: boolean; readonly onClose: () => void; readonly onPinned: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [told, setTold] = useState('')
  const [provenance, setProvenance] = useState(NO_PROVENANCE)
  const [replace, setReplace] = useState(false)
  // While authorities decide, a pin helps against nothing that they do not vouch for.
  const alone = shown.kind === 'certificate' && shown.certificate.verdict === 'unknown'
  const { verdict, compared } = held(told, shown)
  const expected = shown.kind === 'host-key' ? shown.key.expected.map(({ fingerprint }) => fingerprint) : shown.certificate.expected

  const pin = async (): Promise<void> => {
    const pinned = await action.run(
      async () => {
        const target = { partner, connection, fingerprint: compared, replace, provenance: provenanceOf(provenance) }
        if (shown.kind === 'host-key') return await client.trust.pinHostKey(target)
        if (alone) await trustPinsAlone(partner, connection, client)
        return await client.trust.pinCertificate(target)
      },
    )
    if (pinned === undefined) return
    toast('ok', 'Confirmed', 'This server is now trusted for this connection.')
    onPinned()
  }

  return (
    <Dialog title="Is this the partner's server?" open={open} onClose={onClose} wide>
      <p className="quiet">Ask the partner for the fingerprint of its {shown.kind === 'host-key' ? 'host key' : 'certificate'}: by phone, on a page you trust, or on paper. Do not copy it from here.</p>
      {shown.kind === 'host-key' ? (
        <Facts
          items={[
            ['The server shows', <Copyable key="now" value={shown.key.fingerprint} label="presented fingerprint" />],
            ['Kind', `${shown.key.algorithm}${shown.key.bits === null ? '' : `, ${shown.key.bits} bit`}`],
            ['Trusted so far', <Expected key="expected" fingerprints={expected} />],
          ]}
        />
      ) : (
        <Facts
          items={[
            ['The server shows', <Copyable key="now" value={shown.certificate.fingerprint} label="presented fingerprint" />],
            ['Its public key', <Copyable key="spki" value={shown.certificate.publicKeyPin} label="presented public key" />],
            ['Issued for', shown.certificate.names.join(', ') || shown.certificate.subject],
            ['Issued by', shown.certificate.issuer],
            ['Valid until', absoluteText(shown.certificate.notAfter)],
            ['Not trusted because', shown.certificate.reason],
            ['Trusted so far', <Expected key="expected" fingerprints={expected} />],
          ]}
        />
      )}
      <TextField label="Fingerprint from the partner" placeholder={shown.kind === 'host-key' ? 'SHA256:…' : 'sha256:… or spki:…'} autoFocus spellCheck={false} value={told} onChange={(event) => setTold(event.target.value)} />
      <div role="status">
        {verdict === 'same' ? <Status tone="ok">The two are the same</Status> : null}
        {verdict === 'different' ? <Status tone="bad">They differ: do not trust this server, and call the partner</Status> : null}
        {verdict === 'incomplete' ? <Status tone="wait">Enter the whole fingerprint to compare</Status> : null}
      </div>
      <ProvenanceFields value={provenance} onChange={setProvenance} />
      {expected.length > 0 ? <Check label="This one replaces the earlier ones (leave empty while the partner uses both)" checked={replace} onChange={(event) => setReplace(event.target.checked)} /> : null}
      {alone ? <p className="quiet">No authority vouches for this certificate under this name. Once you trust it, this connection accepts pinned certificates alone.</p> : null}
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

/** Makes pins decide on a connection where authorities did so far. */
async function trustPinsAlone(partner: string, connection: string, client: WaybillClient): Promise<void> {
  const { document } = await client.partners.show({ id: partner })
  const isMeant = (candidate: Connection): candidate is Extract<Connection, { tls: unknown }> => candidate.id === connection && 'tls' in candidate
  if (!document.connections.some((candidate) => isMeant(candidate) && candidate.tls.trust === 'authority')) return
  const connections = document.connections.map((candidate) => (isMeant(candidate) ? { ...candidate, tls: { ...candidate.tls, trust: 'pinned' } } : candidate))
  await client.partners.apply({ document: { ...document, connections } })
}

function Expected({ fingerprints }: { readonly fingerprints: readonly string[] }) {
  return fingerprints.length === 0 ? 'none' : fingerprints.map((fingerprint) => <div key={fingerprint} className="mono">{fingerprint}</div>)
}

/** A certificate is known by its own fingerprint or by that of its public key: the one that was told is pinned. */
function held(told: string, shown: Shown): { readonly verdict: ReturnType<typeof compareFingerprints>; readonly compared: string } {
  if (shown.kind === 'host-key') return { verdict: compareFingerprints(told, shown.key.fingerprint), compared: shown.key.fingerprint }
  return compareCertificates(told, shown.certificate)
}
