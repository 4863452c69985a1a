/** What a person approved, against what holds now. */
import { dayOf } from '../days.ts'
import { fact, partnerRule, platformRule, type Rule } from '../rule.ts'

const SHOWN = 8
const POLICY = { kind: 'policy', id: '' } as const

export const approvalRules: readonly Rule[] = [
  partnerRule({
    code: 'policy_drift', domain: 'crypto', severity: 'warning', title: 'Trust or agreement differs from what was approved',
    rationale: 'Somebody approved this partner\'s keys and settings; since then something was added or taken away that nobody has approved.',
    sources: ['NIST SP 800-53 CM-3, CM-6 (configuration change control)', 'Waybill: policy lock file'], suggestion: 'Open "Policy", read the lines that differ, and approve them; or set back what should not have changed.',
    find: ({ document: { id } }, { approval: { approved, lines } }) => {
      const own = approved === null ? [] : lines.filter(({ text }) => text.startsWith(`partner ${id} `))
      return own.length === 0 || approved === null ? [] : [{ message: `${own.length} ${own.length === 1 ? 'line differs' : 'lines differ'} from what ${approved.by} approved on ${dayOf(approved.at)}`, evidence: own.slice(0, SHOWN).map(({ change, text }) => fact(change === 'added' ? 'New' : 'Gone', text.slice(`partner ${id} `.length))), open: POLICY }]
    },
  }),
  platformRule({
    code: 'policy_station_drift', domain: 'crypto', severity: 'warning', title: 'Our own keys or identity differ from what was approved',
    rationale: 'They are used with every partner: a key of ours that nobody approved signs for all of them.',
    sources: ['NIST SP 800-53 CM-3, CM-6', 'Waybill: policy lock file'], suggestion: 'Open "Policy", read the lines that differ, and approve them; or set back what should not have changed.',
    find: ({ approval: { approved, lines } }) => {
      const own = approved === null ? [] : lines.filter(({ text }) => text.startsWith('station '))
      return own.length === 0 || approved === null ? [] : [{ subject: { kind: 'station', id: 'station', label: 'Our station' }, message: `${own.length} ${own.length === 1 ? 'line differs' : 'lines differ'} from what ${approved.by} approved on ${dayOf(approved.at)}`, evidence: own.slice(0, SHOWN).map(({ change, text }) => fact(change === 'added' ? 'New' : 'Gone', text)), open: POLICY }]
    },
  }),
  platformRule({
    code: 'policy_unapproved', domain: 'crypto', severity: 'info', title: 'Nobody has approved trust and agreements yet',
    rationale: 'Without an approved state nothing tells later which change was wanted and which was not.',
    sources: ['NIST SP 800-53 CM-2 (baseline configuration)'], suggestion: 'Open "Policy", look through the text, and approve it with your name and a reason.',
    find: ({ approval: { approved }, partners }) => (approved !== null || partners.every(({ practice }) => practice) ? [] : [{ message: 'there is no approved state to compare with', open: POLICY }]),
  }),
  platformRule({
    code: 'policy_signature_bad', domain: 'crypto', severity: 'error', title: 'The approved text bears a wrong signature',
    rationale: 'The text that was approved last was not signed by this workspace: somebody changed it in the database, or put another one there.',
    sources: ['NIST SP 800-53 SI-7 (integrity)', 'Waybill: policy lock file'], suggestion: 'Look with somebody who knows at the present keys and settings of every partner, then approve them anew under "Policy".',
    find: ({ approval: { approved, signatureValid } }) => (approved === null || signatureValid ? [] : [{ message: `what ${approved.by} approved on ${dayOf(approved.at)} does not verify`, open: POLICY }]),
  }),
]
