import { Link } from 'wouter'
import type { Delivery } from '../../../shared/contract/deliveries.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { bytesText } from '../../lib/format.ts'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { usePartnerNames } from '../partners/partner-names.ts'
import { Direction } from './direction.tsx'
import { stateWords } from './words.ts'
import ui from '../../ui/ui.module.css'

export function DeliveryList({ deliveries, none }: { readonly deliveries: readonly Delivery[]; readonly none: string }) {
  const nameOf = usePartnerNames()
  if (deliveries.length === 0) return <p className={`quiet ${ui['pad'] ?? ''}`}>{none}</p>
  return (
    <Rows items={deliveries} keyOf={({ id }) => id}>
      {(delivery) => <Row delivery={delivery} partner={nameOf(delivery.partner)} />}
    </Rows>
  )
}

function Row({ delivery, partner }: { readonly delivery: Delivery; readonly partner: string }) {
  const { tone, word } = stateWords(delivery)
  const inbound = delivery.direction === 'inbound'
  return (
    <Link href={`/deliveries/${delivery.id}`} className={ui['item']}>
      <Direction direction={delivery.direction} />
      <span className={ui['grow']}>
        <span className={`${ui['strong'] ?? ''} ${ui['cut'] ?? ''}`}>{inbound ? delivery.fileName : delivery.remoteName}</span>
        <br />
        <span className="quiet small">
          {inbound ? 'from' : 'to'} {partner} · {bytesText(delivery.size)} · <Time at={delivery.createdAt} />
          {delivery.error === null ? null : <> · {textOf(delivery.error).title}</>}
        </span>
      </span>
      <Status tone={tone}>{word}</Status>
    </Link>
  )
}
