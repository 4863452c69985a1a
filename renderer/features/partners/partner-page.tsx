import { Pencil, Send, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { PartnerDetail } from '../../../shared/contract/partners.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable } from '../../ui/facts.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { DeliveryList } from '../deliveries/delivery-list.tsx'
import { ExceptionsCard } from '../policy/exceptions-card.tsx'
import { PartnerFindings } from '../posture/partner-findings.tsx'
import { PartnerPosture } from '../posture/partner-posture.tsx'
import { DropTarget } from '../send/drop-target.tsx'
import { FilePicker } from '../send/file-picker.tsx'
import { ProvenanceText } from '../trust/provenance-text.tsx'
import { ImportCardDialog } from '../cards/import-card-dialog.tsx'
import { OurCardDialog } from '../cards/our-card-dialog.tsx'
import { ConnectionCard } from './connection-card.tsx'
import { partnerState } from './partner-row.tsx'
import { PracticeCard } from './practice-card.tsx'
import { restsOn } from './rests-on.ts'
import ui from '../../ui/ui.module.css'

export function PartnerPage({ id }: { readonly id: string }) {
  const partner = useCall(`partners.show ${id}`, (client) => client.partners.show({ id }), (client, changed) => client.partners.onChanged(changed))
  if (partner.data === undefined)
    return <Page title={id}>{partner.error === undefined ? <Skeleton height={320} /> : <ErrorPanel error={partner.error} />}</Page>
  return <Shown detail={partner.data} reload={partner.reload} />
}

function Shown({ detail, reload }: { readonly detail: PartnerDetail; readonly reload: () => void }) {
  const { summary, document } = detail
  const { id } = summary
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [removing, setRemoving] = useState(false)
  const [json, setJson] = useState(false)
  const [card, setCard] = useState<'ours' | 'theirs' | null>(null)
  const { tone, word } = partnerState(summary)
  const deliveries = useCall(`deliveries.list ${id}`, (asked) => asked.deliveries.list({ partner: id, limit: 10 }), (asked, changed) => asked.deliveries.onChanged(changed))

  const remove = async (): Promise<void> => {
    setRemoving(false)
    if ((await action.run(async () => await client.partners.remove({ id }))) === undefined) return
    toast('ok', 'Removed', `${summary.name} was removed. Its deliveries and records stay.`)
    navigate('/partners')
  }
  const toggle = async (): Promise<void> => {
    await action.run(async () => await (summary.suspended ? client.partners.resume({ id }) : client.partners.suspend({ id })))
  }

  return (
    <DropTarget partner={id} name={summary.name}>
      <Page
        title={summary.name}
        about={document.notes}
        actions={
          <>
            <FilePicker partner={id} icon={<Send size={15} aria-hidden />} />
            <Button icon={<ShieldCheck size={15} aria-hidden />} onClick={() => navigate(`/partners/${id}/policy`)}>
              Policy
            </Button>
            <Button icon={<Pencil size={15} aria-hidden />} onClick={() => navigate(`/partners/${id}/edit`)}>
              Edit
            </Button>
          </>
        }
      >
        <div className={ui['row']}>
          <Status tone={tone}>{word}</Status>
          <PartnerPosture id={id} />
          <span className="quiet">Drop files anywhere on this page to send them.</span>
        </div>
        {action.error ? <ErrorPanel error={action.error} /> : null}

        {summary.practice ? <PracticeCard /> : null}
        {document.connections.map((connection) => (
          <ConnectionCard key={connection.id} detail={detail} connection={connection} reload={reload} />
        ))}

        <PartnerFindings id={id} />

        <Card title="Inbox">
          <div className={ui['stack']}>
            <p className="quiet">Files from this partner appear in this folder of the computer on which Waybill runs.</p>
            <Copyable value={detail.inbox} label="path of the Inbox" />
          </div>
        </Card>

        <Card
          title="What this relationship rests on"
          flush
          actions={
            <>
              <Button compact onClick={() => setCard('ours')}>
                Our card
              </Button>
              <Button compact onClick={() => setCard('theirs')}>
                Their card
              </Button>
            </>
          }
        >
          {detail.trust.length === 0 ? (
            <p className={`quiet ${ui['pad'] ?? ''}`}>Nothing is confirmed yet. Test the connection and compare what the server shows with the partner.</p>
          ) : (
            <Rows items={detail.trust} keyOf={(item) => item.id} look="pad">
              {(item) => (
                <>
                  <div className={ui['row']}>
                    <span className={ui['strong']}>{restsOn(item, id)}</span>
                    <span className="quiet small">
                      {item.algorithm}
                      {item.bits === null ? '' : `, ${item.bits} bit`}
                    </span>
                  </div>
                  <Copyable value={item.fingerprint} label="fingerprint" />
                  <p className="quiet small">
                    How we know it: <ProvenanceText records={item.provenance} />
                  </p>
                </>
              )}
            </Rows>
          )}
        </Card>

        <ExceptionsCard detail={detail} />

        <Card title="Recent deliveries" flush>
          {deliveries.data === undefined ? <Skeleton height={104} /> : <DeliveryList deliveries={deliveries.data.deliveries} none="Nothing was exchanged yet." />}
        </Card>

        <div className={ui['row']}>
          <Button disabled={action.busy} onClick={() => void toggle()}>
            {summary.suspended ? 'Resume exchange' : 'Suspend exchange'}
          </Button>
          <Button onClick={() => setJson(!json)} aria-expanded={json}>
            {json ? 'Hide document' : 'Show as document'}
          </Button>
          <Button look="danger" onClick={() => setRemoving(true)}>
            Remove partner
          </Button>
        </div>
        {json ? (
          <Card title="Document">
            <pre className="mono" tabIndex={0} aria-label="Partner document" style={{ overflow: 'auto', margin: 0 }}>
              {JSON.stringify(document, null, 2)}
            </pre>
          </Card>
        ) : null}
        <OurCardDialog partner={id} open={card === 'ours'} onClose={() => setCard(null)} />
        <ImportCardDialog partner={id} open={card === 'theirs'} onClose={() => setCard(null)} />
        <ConfirmDialog title={`Remove ${summary.name}?`} open={removing} action="Remove partner" onClose={() => setRemoving(false)} onConfirm={() => void remove()}>
          <p>Nothing more can be sent to this partner, and its password is destroyed. The ledger and the audit records stay.</p>
        </ConfirmDialog>
      </Page>
    </DropTarget>
  )
}
