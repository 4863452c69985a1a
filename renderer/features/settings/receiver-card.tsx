import { useState } from 'react'
import type { ReceiverSettings, ReceiverStatus } from '../../../shared/contract/as2.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { receiverChange, receiverDraft, reachText, type ReceiverDraft } from './receiver-draft.ts'
import { ReceiverEntries } from './receiver-entries.tsx'
import ui from '../../ui/ui.module.css'

/** Our AS2 receiver: whether it listens, where, and what must be reachable from outside. */
export function ReceiverCard() {
  const status = useCall('as2.receiver', (client) => client.as2.receiver({}), (client, changed) => client.as2.onReceiverChanged(changed))
  if (status.data === undefined) return <Card id="receiver" title="AS2 receiver">{status.error === undefined ? <Skeleton height={200} /> : <ErrorPanel error={status.error} />}</Card>
  return <Receiver status={status.data} />
}

function Receiver({ status }: { readonly status: ReceiverStatus }) {
  const { client } = useHost()
  const action = useAction()
  const [editing, setEditing] = useState(false)
  const { settings, listening } = status
  return (
    <Card
      id="receiver"
      title="AS2 receiver"
      actions={
        <Button look={listening ? 'normal' : 'primary'} disabled={action.busy} onClick={() => void action.run(async () => await (listening ? client.as2.stopReceiver({}) : client.as2.startReceiver({})))}>
          {listening ? 'Stop receiver' : 'Start receiver'}
        </Button>
      }
    >
      <div className={ui['stack']}>
        <div className={ui['row']} role="status">
          {listening ? <Status tone="ok">Listening</Status> : status.error === null ? <Status tone="wait">Off</Status> : <Status tone="bad">Could not start</Status>}
          <span className="quiet">{reachText(status)}</span>
        </div>
        {status.error === null ? null : <ErrorPanel error={status.error} />}
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <Facts
          items={[
            ['On this computer', status.address === null ? `${settings.host}:${settings.port}` : <Copyable key="local" value={status.address} label="address on this computer" />],
            ['For partners', status.publicAddress === null ? 'not entered: see “Address of our AS2 receiver” under our company' : <Copyable key="public" value={status.publicAddress} label="address for partners" />],
            ['Starts with the program', settings.enabled ? 'yes' : 'no'],
            ['HTTPS', settings.tls ? 'by Waybill itself' : 'no: messages are signed and encrypted themselves, or a proxy in front does it'],
            ['Since', status.since === null ? null : absoluteText(status.since)],
            ['Counted since then', listening ? `messages ${status.messages}, repeated ${status.duplicates}, receipts ${status.receipts}, refused ${status.refused}` : null],
            ['Receipts to post', status.receiptsToPost === 0 ? null : String(status.receiptsToPost)],
          ]}
        />
        <div>
          <Button aria-expanded={editing} onClick={() => setEditing(!editing)}>
            {editing ? 'Close settings of the receiver' : 'Change settings of the receiver'}
          </Button>
        </div>
        {editing ? <ReceiverForm settings={settings} onSaved={() => setEditing(false)} /> : null}
        <ReceiverEntries />
      </div>
    </Card>
  )
}

function ReceiverForm({ settings, onSaved }: { readonly settings: ReceiverSettings; readonly onSaved: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [draft, setDraft] = useState(() => receiverDraft(settings))
  const set = (change: Partial<ReceiverDraft>): void => setDraft((before) => ({ ...before, ...change }))
  const problem = (field: string): string | undefined => action.error?.details?.[field]
  const certificates = useCall('receiver.certificates', (asked) => asked.trust.list({ limit: 1000, kind: 'x509' }), (asked, changed) => asked.trust.onChanged(changed))
  const usable = (certificates.data?.items ?? []).filter(({ hasPrivateKey, state }) => hasPrivateKey && state === 'active')
  const save = async (): Promise<void> => {
    if ((await action.run(async () => await client.as2.configureReceiver(receiverChange(draft)))) !== undefined) onSaved()
  }
  return (
    <Form className={ui['stack']} noValidate refused={action.error} onSubmit={() => void save()}>
      <Check label="Start it with the program" checked={draft.enabled} onChange={(event) => set({ enabled: event.target.checked })} />
      <div className={ui['split']}>
        <TextField label="Address to listen on" spellCheck={false} value={draft.host} onChange={(event) => set({ host: event.target.value.trim() })} problem={problem('host')} help="127.0.0.1: this computer alone, for a proxy in front. 0.0.0.0: every address of this computer." />
        <TextField label="Port to listen on" inputMode="numeric" value={draft.port} onChange={(event) => set({ port: event.target.value })} problem={problem('port')} help="0 takes any free one." />
        <TextField label="Requests at the same time" inputMode="numeric" value={draft.maxParallel} onChange={(event) => set({ maxParallel: event.target.value })} problem={problem('maxParallel')} />
      </div>
      <Check label="HTTPS with a certificate of ours" checked={draft.tls} onChange={(event) => set({ tls: event.target.checked })} />
      {draft.tls ? (
        <SelectField label="Certificate for HTTPS" value={draft.certificate} onChange={(event) => set({ certificate: event.target.value })} options={[['', 'The newest one in the role tls-server'], ...usable.map(({ id, label }) => [id, label] as const)]} problem={problem('certificate')} />
      ) : null}
      <Check label="Take HTTP as old products write it (folded header lines); not behind a proxy" checked={draft.oldHttp} onChange={(event) => set({ oldHttp: event.target.checked })} />
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <div>
        <Button type="submit" look="primary" disabled={action.busy}>
          Save receiver
        </Button>
      </div>
    </Form>
  )
}
