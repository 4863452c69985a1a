import type { EvidenceCheck, EvidenceVerdict } from '../../../shared/contract/evidence.ts'
import { absoluteText } from '../../lib/format.ts'
import { Button } from '../../ui/button.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Card } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Status } from '../../ui/status.tsx'
import css from '../deliveries/deliveries.module.css'
import ui from '../../ui/ui.module.css'

const CHECKS: Readonly<Record<EvidenceCheck['check'], string>> = {
  signature: 'Signature',
  files: 'Files inside',
  records: 'Records',
  anchor: 'Head of the chain',
  story: 'Records and delivery',
  content: 'The file',
  travelled: 'At the partner’s server',
  receipt: 'Receipt',
  message: 'AS2 message',
}

/** What became of a look at a bundle, ours or a stranger's. */
export function EvidenceCard({ name, verdict: { ok, checks, says, key, manifest }, onClose }: { readonly name: string; readonly verdict: EvidenceVerdict; readonly onClose: () => void }) {
  return (
    <Card title={name} actions={<Button compact onClick={onClose}>Close</Button>} flush>
      <div className={`${ui['pad'] ?? ''} ${ui['stack'] ?? ''}`}>
        <div className={ui['row']}>
          <Status tone={ok ? 'ok' : 'bad'}>{ok ? 'The evidence holds' : 'The evidence does not hold'}</Status>
        </div>
        {says === null ? null : (
          <pre className={css['raw']} tabIndex={0} aria-label="What it says">
            {says}
          </pre>
        )}
        <Facts
          items={[
            ['Exported', manifest === null ? null : `${absoluteText(manifest.exportedAt)} by ${manifest.station ?? 'a company that gave no name'}`],
            ['Workspace', manifest?.workspace],
            ['Signed with the key', key === null ? null : <Copyable key="key" value={key} label="SHA-256 of the key" />],
          ]}
        />
        <p className="quiet small">That the key is theirs is for its owner to say: compare it over another channel, by phone for instance.</p>
      </div>
      <Rows items={checks} keyOf={({ check }) => check} look="item">
        {(one) => (
          <>
            <span className={ui['grow']}>
              <span className={ui['strong']}>{CHECKS[one.check]}</span>
              <br />
              <span className="quiet small">{one.detail}</span>
            </span>
            <Status tone={one.ok === null ? 'wait' : one.ok ? 'ok' : 'bad'}>{one.ok === null ? 'Not included' : one.ok ? 'Holds' : 'Does not hold'}</Status>
          </>
        )}
      </Rows>
    </Card>
  )
}
