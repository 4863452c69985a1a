import { Link } from 'wouter'
import { useCall } from '../../lib/use-call.ts'
import { Status } from '../../ui/status.tsx'
import { countsText } from './words.ts'

/** How a partner stands, in one badge that leads to the findings. Nothing while nothing is open. */
export function PartnerPosture({ id }: { readonly id: string }) {
  const { data } = useCall(`posture.list ${id} badge`, (asked) => asked.posture.list({ partner: id, limit: 1 }), (asked, changed) => asked.posture.onChanged(changed))
  if (data === undefined || data.evaluatedAt === null || data.total === 0) return null
  const { error, warning } = data.counts
  return (
    <Link href={`/posture?partner=${encodeURIComponent(id)}`} aria-label={`Posture: ${countsText(data.counts)}`}>
      <Status tone={error > 0 ? 'bad' : warning > 0 ? 'warn' : 'wait'}>{countsText(data.counts)}</Status>
    </Link>
  )
}
