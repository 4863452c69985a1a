import { useState } from 'react'
import { Link } from 'wouter'
import type { TrustItemDetail } from '../../../shared/contract/trust.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { AttachDialog, EndButtons } from './item-acts.tsx'
import { BindDialog, ConfirmItemDialog, ExportPrivateDialog } from './item-dialogs.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { FitnessList, ItemFacts } from './item-preview.tsx'
import { ProvenanceText } from './provenance-text.tsx'
import { saveFile } from './save-file.ts'
import { WhatIfCard } from './what-if-card.tsx'
import { ASSURANCE, KINDS, pendingBindings, ROLES } from './words.ts'
import ui from '../../ui/ui.module.css'

/** What was bound since the page was opened is in use, whatever the two clocks say. */
const SOON_MS = 3_600_000

type DialogName = 'bind' | 'confirm' | 'export-private' | 'attach' | 'import'

/** One key or certificate: what it is, what uses it, how we know it, what would happen without it. */
export function TrustItemPage({ id }: { readonly id: string }) {
  const { client } = useHost()
  const { data: item, error } = useCall(`trust.show ${id}`, (caller) => caller.trust.show({ id }), (caller, changed) => caller.trust.onChanged(changed))
  const action = useAction()
  const [dialog, setDialog] = useState<DialogName | null>(null)
  const close = (): void => setDialog(null)
  if (item === undefined)
    return (
      <Page title="Key or certificate" about={<Link href="/trust">Keys &amp; certificates</Link>}>
        {error ? <ErrorPanel error={error} /> : <Skeleton height={320} />}
      </Page>
    )
  const save = async (format: 'pem' | 'der' | 'p7b'): Promise<void> => {
    const file = await action.run(async () => await client.trust.export({ id, format }))
    if (file !== undefined) saveFile(file)
  }
  const request = async (): Promise<void> => {
    const file = await action.run(async () => await client.trust.request({ id }))
    if (file !== undefined) saveFile({ ...file, encoding: 'text' })
  }
  const fetchFile = async (file: string): Promise<void> => {
    const found = await action.run(async () => await client.trust.attachment({ id, file }))
    if (found !== undefined) saveFile(found)
  }
  const assurance = ASSURANCE[item.assurance]
  return (
    <Page
      title={item.label}
      about={
        <>
          <Link href="/trust">Keys &amp; certificates</Link> · {KINDS[item.kind]}
        </>
      }
      actions={item.state === 'retired' ? <Status tone="wait">Retired</Status> : <Status tone={assurance.tone}>{assurance.word}</Status>}
    >
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <div className={ui['split']}>
        <Card title="What it is">
          <ItemFacts item={item} />
        </Card>
        <div className={ui['stack']}>
          <Card title="What it can be used for">
            <FitnessList fitness={item.fitness} />
          </Card>
          <Card
            title="How we know it is genuine"
            actions={
              <>
                <Button compact onClick={() => setDialog('attach')}>
                  Add a file
                </Button>
                {item.assurance === 'own' ? null : (
                  <Button compact onClick={() => setDialog('confirm')}>
                    Confirm
                  </Button>
                )}
              </>
            }
          >
            <p className="quiet small">{assurance.help}</p>
            <ProvenanceText records={item.provenance} onFile={(file) => void fetchFile(file)} />
          </Card>
        </div>
      </div>
      <Bindings item={item} onBind={() => setDialog('bind')} />
      <WhatIfCard id={id} bound={item.bindings.length > 0} />
      <Card title="Take it along">
        <div className={ui['row']}>
          {item.publicKey === null ? <span className="quiet">Only its fingerprint is known.</span> : <Button onClick={() => void save('pem')}>Save the public part</Button>}
          {item.x509 === null ? null : (
            <>
              <Button onClick={() => void save('der')}>As .cer</Button>
              <Button onClick={() => void save('p7b')}>With its chain (.p7b)</Button>
            </>
          )}
          {item.x509 !== null && item.hasPrivateKey ? <Button onClick={() => void request()}>Request a certificate (CSR)</Button> : null}
          {item.hasPrivateKey ? <Button onClick={() => setDialog('export-private')}>Private key…</Button> : null}
          <Button onClick={() => setDialog('import')}>Import a newer one</Button>
          <span className={ui['grow']} />
          <EndButtons item={item} />
        </div>
      </Card>
      <ImportDialog open={dialog === 'import'} onClose={close} />
      <BindDialog item={item} open={dialog === 'bind'} onClose={close} />
      <ConfirmItemDialog item={item} open={dialog === 'confirm'} onClose={close} />
      <ExportPrivateDialog item={item} open={dialog === 'export-private'} onClose={close} />
      <AttachDialog item={item} open={dialog === 'attach'} onClose={close} />
    </Page>
  )
}

function Bindings({ item, onBind }: { readonly item: TrustItemDetail; readonly onBind: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [now] = useState(() => Date.now())
  const bindings = pendingBindings(item, now)
  return (
    <Card title="Used by" flush actions={item.state === 'active' ? <Button compact onClick={onBind}>Use it for…</Button> : null}>
      {bindings.length === 0 ? <p className={`${ui['pad'] ?? ''} quiet`}>Nothing uses it.</p> : null}
      <Rows items={bindings} keyOf={({ id }) => id} look="item">
        {(binding) => (
          <>
            <span className={ui['grow']}>
              <span className={ui['strong']}>{ROLES[binding.role]}</span>
              <br />
              <span className="quiet small">
                {binding.partner === null ? 'our station, for every partner that has none of its own' : <Link href={`/partners/${binding.partner}`}>{binding.partner}</Link>}
                {binding.connection === null ? '' : ` / ${binding.connection}`}
                {Date.parse(binding.activeFrom) > now + SOON_MS ? ` · from ${binding.activeFrom.slice(0, 10)}` : ''}
                {binding.activeUntil === null ? '' : ` · until ${binding.activeUntil.slice(0, 10)}`}
              </span>
            </span>
            <Button compact disabled={action.busy} onClick={() => void action.run(async () => await client.trust.unbind({ binding: binding.id }))}>
              End
            </Button>
          </>
        )}
      </Rows>
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </Card>
  )
}
