import { ArrowDownLeft, ArrowUpRight } from 'lucide-react'
import type { Delivery } from '../../../shared/contract/deliveries.ts'
import css from './deliveries.module.css'

/** Where a file goes, told by shape, place and word. */
export function Direction({ direction }: { readonly direction: Delivery['direction'] }) {
  const inbound = direction === 'inbound'
  return (
    <span className={`${css['direction'] ?? ''} ${inbound ? (css['in'] ?? '') : (css['out'] ?? '')}`} title={inbound ? 'Received' : 'Sent'}>
      {inbound ? <ArrowDownLeft size={16} aria-hidden /> : <ArrowUpRight size={16} aria-hidden />}
      <span className="visually-hidden">{inbound ? 'Received: ' : 'Sent: '}</span>
    </span>
  )
}
