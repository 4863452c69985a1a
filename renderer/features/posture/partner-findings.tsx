import { Link } from 'wouter'
import { useCall } from '../../lib/use-call.ts'
import { Card } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { FindingGroupRow } from './finding-group.tsx'
import { TrendChart } from './trend-chart.tsx'
import { countsText, groupsOf } from './words.ts'
import ui from '../../ui/ui.module.css'

const SHOWN = 4

/** What is open about one partner, what to do first, and how it went over time. Nothing while nothing is open and nothing ever was. */
export function PartnerFindings({ id }: { readonly id: string }) {
  const list = useCall(`posture.list ${id} card`, (asked) => asked.posture.list({ partner: id, limit: 200 }), (asked, changed) => asked.posture.onChanged(changed))
  const history = useCall(`posture.history ${id} card`, (asked) => asked.posture.history({ partner: id, limit: 100 }), (asked, changed) => asked.posture.onChanged(changed))
  if (list.data === undefined || list.data.evaluatedAt === null) return null
  const groups = groupsOf(list.data.findings)
  const snapshots = history.data?.snapshots ?? []
  if (groups.length === 0 && snapshots.every(({ counts }) => counts.error + counts.warning === 0)) return null
  return (
    <Card title="Posture" actions={<Link href={`/posture?partner=${encodeURIComponent(id)}`}>{groups.length > SHOWN ? `Show all ${groups.length}` : 'Open posture'}</Link>} flush>
      <div className={ui['pad']}>
        <p className="quiet">{countsText(list.data.counts)}.</p>
        <TrendChart snapshots={snapshots} />
      </div>
      <Rows items={groups.slice(0, SHOWN)} keyOf={({ key }) => key}>
        {(group) => <FindingGroupRow group={group} />}
      </Rows>
    </Card>
  )
}
