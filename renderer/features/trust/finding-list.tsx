import { Link } from 'wouter'
import { useCall } from '../../lib/use-call.ts'
import { Card } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import ui from '../../ui/ui.module.css'

const SHOWN = 4

/** What deserves attention, gravest first; nothing when all is well. */
export function FindingList() {
  const findings = useCall('trust.findings', (client) => client.trust.findings({}), (client, changed) => client.trust.onChanged(changed))
  const grave = (findings.data?.findings ?? []).filter(({ severity }) => severity !== 'info').toSorted((left, right) => Number(right.severity === 'error') - Number(left.severity === 'error'))
  if (grave.length === 0) return null
  return (
    <Card title="Deserves attention" flush>
      <Rows
        items={grave.slice(0, SHOWN)}
        keyOf={({ code, items, message }) => `${code} ${items[0]?.id ?? message}`}
        last={grave.length > SHOWN ? <li className={`${ui['pad'] ?? ''} quiet small`}>and {grave.length - SHOWN} more</li> : null}
      >
        {({ severity, message, suggestion, items }) => (
          <Link href={`/trust/${items[0]?.id ?? ''}`} className={ui['item']}>
            <span className={ui['grow']}>
              {message.charAt(0).toUpperCase() + message.slice(1)}
              <br />
              <span className="quiet small">{suggestion}</span>
            </span>
            <Status tone={severity === 'error' ? 'bad' : 'warn'}>{severity === 'error' ? 'Refused or unsafe' : 'Have a look'}</Status>
          </Link>
        )}
      </Rows>
    </Card>
  )
}
