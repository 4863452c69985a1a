import { POLICY_RULES, TOLERATED, type RelianceFact } from '../../../shared/contract/policy.ts'
import { Status } from '../../ui/status.tsx'
import ui from '../../ui/ui.module.css'

/** Exceptions without which an attempt would have been refused. */
export function Reliances({ uses }: { readonly uses: readonly RelianceFact[] }) {
  if (uses.length === 0) return null
  return (
    <ul className={ui['stack']}>
      {uses.map(({ allow, rule, seen, reason, owner, until }) => (
        <li key={`${allow} ${rule}`} className={ui['row']}>
          <Status tone="warn">By exception</Status>
          <span className={`small ${ui['grow'] ?? ''}`}>
            {TOLERATED[allow]}: {rule in POLICY_RULES ? `${POLICY_RULES[rule as keyof typeof POLICY_RULES]}; it was "${seen}"` : seen}. {reason} ({owner}, until {until})
          </span>
        </li>
      ))}
    </ul>
  )
}
