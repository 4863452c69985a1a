import { Building2 } from 'lucide-react'
import { Link } from 'wouter'
import type { PartnerSummary } from '../../../shared/contract/partners.ts'
import { Status, type Tone } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import { DropTarget } from '../send/drop-target.tsx'
import ui from '../../ui/ui.module.css'

/** The state of a partner in one word. */
export function partnerState(partner: PartnerSummary): { readonly tone: Tone; readonly word: string } {
  if (partner.suspended) return { tone: 'wait', word: 'Suspended' }
  if (partner.connections.some(({ trusted }) => !trusted)) return { tone: 'warn', word: 'Identity not confirmed' }
  if (partner.attention > 0) return { tone: 'warn', word: `${partner.attention} need a look` }
  return { tone: 'ok', word: 'Ready' }
}

export function PartnerRow({ partner }: { readonly partner: PartnerSummary }) {
  const { tone, word } = partnerState(partner)
  return (
    <DropTarget partner={partner.id} name={partner.name}>
      <Link href={`/partners/${partner.id}`} className={ui['item']}>
        <Building2 size={18} aria-hidden className="quiet" />
        <span className={ui['grow']}>
          <span className={ui['strong']}>{partner.name}</span>
          <br />
          <span className="quiet small">{partner.connections.map(({ protocol, address }) => `${protocol.toUpperCase()} ${address}`).join(' · ')}</span>
        </span>
        {partner.lastDeliveryAt === null ? null : (
          <span className="quiet small">
            last file <Time at={partner.lastDeliveryAt} />
          </span>
        )}
        <Status tone={tone}>{word}</Status>
      </Link>
    </DropTarget>
  )
}
