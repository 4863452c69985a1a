import { Plug } from 'lucide-react'
import type { Connection } from '../../../shared/contract/connections/index.ts'
import type { PartnerDetail } from '../../../shared/contract/partners.ts'
import { Card } from '../../ui/page.tsx'
import { ConnectionFacts } from './connection-facts.tsx'
import { ConnectionTest } from './connection-test.tsx'
import { PROTOCOL_NAMES } from './protocol-names.ts'
import { ReadinessList } from './readiness-list.tsx'
import { ReceiveNow } from './receive-now.tsx'
import ui from '../../ui/ui.module.css'

/** One way to the partner: what it is, what is missing, the test, and collecting. */
export function ConnectionCard({ detail, connection, reload }: { readonly detail: PartnerDetail; readonly connection: Connection; readonly reload: () => void }) {
  const { id, protocol, label } = connection
  return (
    <Card title={label === undefined ? `${PROTOCOL_NAMES[protocol]} connection ${id}` : `${label} (${PROTOCOL_NAMES[protocol]} connection ${id})`}>
      <div className={ui['stack']}>
        <ConnectionFacts connection={connection} />
        <ReadinessList detail={detail} connection={connection} />
        <ConnectionTest partner={detail.summary.id} connection={id} onTrusted={reload} icon={<Plug size={15} aria-hidden />} />
        {protocol !== 'as2' && connection.receive !== undefined ? <ReceiveNow partner={detail.summary.id} connection={id} /> : null}
      </div>
    </Card>
  )
}
