/** Findings as files for other programs. Pure. */
import type { Finding, PostureRule } from '../../contract/posture.ts'

export type ExportFormat = 'json' | 'csv' | 'sarif'

export function exportOf(findings: readonly Finding[], rules: readonly PostureRule[], format: ExportFormat, facts: { readonly at: string; readonly version: string }): { fileName: string; text: string } {
  const text = { json: () => json(findings, facts.at), csv: () => csv(findings), sarif: () => sarif(findings, rules, facts.version) }[format]()
  return { fileName: `posture-${facts.at.slice(0, 10)}.${format}`, text }
}

function json(findings: readonly Finding[], at: string): string {
  return `${JSON.stringify({ at, findings }, null, 2)}\n`
}

const COLUMNS: readonly (readonly [string, (finding: Finding) => string])[] = [
  ['severity', ({ severity }) => severity],
  ['code', ({ code }) => code],
  ['subject', ({ subject }) => subject.id],
  ['partner', ({ partner }) => partner ?? ''],
  ['message', ({ message }) => message],
  ['suggestion', ({ suggestion }) => suggestion],
  ['domain', ({ domain }) => domain],
  ['state', ({ state }) => state],
  ['first seen', ({ firstSeen }) => firstSeen],
  ['last seen', ({ lastSeen }) => lastSeen],
  ['suppressed until', ({ suppression }) => suppression?.until ?? ''],
  ['reason', ({ suppression }) => suppression?.reason ?? ''],
  ['deliveries', ({ deliveries }) => deliveries.join(' ')],
]

/** RFC 4180. Names come from partners: what a spreadsheet would take for a formula is disarmed (CWE-1236). */
function csv(findings: readonly Finding[]): string {
  const cell = (value: string): string => `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`
  return [COLUMNS.map(([name]) => cell(name)), ...findings.map((finding) => COLUMNS.map(([, of]) => cell(of(finding))))].map((row) => `${row.join(',')}\r\n`).join('')
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const

/** SARIF 2.1.0 (OASIS): rules with their reasons, results with logical locations. */
function sarif(findings: readonly Finding[], rules: readonly PostureRule[], version: string): string {
  const used = rules.filter(({ code }) => findings.some((finding) => finding.code === code))
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'Waybill', version, rules: used.map(({ code, title, rationale, sources, severity }) => ({ id: code, name: title, shortDescription: { text: title }, fullDescription: { text: `${rationale} (${sources.join('; ')})` }, defaultConfiguration: { level: LEVELS[severity] } })) } },
          results: findings.map((finding) => ({
            ruleId: finding.code,
            ruleIndex: used.findIndex(({ code }) => code === finding.code),
            level: LEVELS[finding.severity],
            message: { text: `${finding.message}. ${finding.suggestion}` },
            locations: [{ logicalLocations: [{ fullyQualifiedName: finding.subject.id, kind: finding.subject.kind }] }],
            partialFingerprints: { 'waybill/v1': finding.id },
            properties: { firstSeen: finding.firstSeen, lastSeen: finding.lastSeen, domain: finding.domain, deliveries: finding.deliveries },
            ...(finding.suppression === null ? {} : { suppressions: [{ kind: 'external', status: 'accepted', justification: `${finding.suppression.reason} (${finding.suppression.owner}, until ${finding.suppression.until})` }] }),
          })),
        },
      ],
    },
    null,
    2,
  )}\n`
}
