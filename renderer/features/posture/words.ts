/** How findings are told. Pure. */
import type { Finding, MendedAt, PostureCounts, PostureDomain, Severity, Snapshot } from '../../../shared/contract/posture.ts'
import type { Tone } from '../../ui/status.tsx'

export const SEVERITY: Readonly<Record<Severity, { readonly tone: Tone; readonly word: string; readonly heading: string; readonly about: string }>> = {
  error: { tone: 'bad', word: 'Error', heading: 'Mend first', about: 'Something is refused, stopped or unsafe now.' },
  warning: { tone: 'warn', word: 'Warning', heading: 'Plan next', about: 'Works today; will fail or fall short later.' },
  info: { tone: 'wait', word: 'Note', heading: 'At the next change', about: 'Works as agreed; better is possible.' },
}

export const DOMAINS: Readonly<Record<PostureDomain, string>> = {
  crypto: 'Cryptography', lifecycle: 'Expiry and change', transport: 'Servers and ways', auth: 'Sign-in', secrets: 'Secrets', flow: 'Exchange', audit: 'Records', platform: 'This computer',
}

export const CAUSES: Readonly<Record<Snapshot['cause'], string>> = { change: 'after a change', delivery: 'after a delivery', daily: 'daily look', asked: 'on request' }

/** Findings of one rule together, the worst and oldest first as they come. */
export interface FindingGroup {
  readonly key: string
  readonly severity: Severity
  readonly findings: readonly [Finding, ...Finding[]]
}

export function groupsOf(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<string, { severity: Severity; findings: [Finding, ...Finding[]] }>()
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.code}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { severity: finding.severity, findings: [finding] })
    else group.findings.push(finding)
  }
  return [...groups].map(([key, group]) => ({ key, ...group }))
}

/** Where the screen that mends it is. */
export function pathOf({ kind, id }: MendedAt): string {
  const name = encodeURIComponent(id)
  switch (kind) {
    case 'partner':
      return `/partners/${name}`
    case 'partner-form':
      return `/partners/${name}/edit`
    case 'trust':
      return id === '' ? '/trust' : `/trust/${name}`
    case 'flow':
      return `/flows/${name}`
    case 'delivery':
      return `/deliveries/${name}`
    case 'deliveries':
      return '/deliveries'
    case 'audit':
      return '/audit'
    case 'settings':
      return id === '' ? '/settings' : `/settings#${name}`
    case 'policy':
      return '/trust/policy'
  }
}

export const OPEN_WORDS: Readonly<Record<MendedAt['kind'], string>> = { partner: 'Open partner', 'partner-form': 'Edit partner', trust: 'Open keys', flow: 'Open flow', delivery: 'Open delivery', deliveries: 'Open deliveries', audit: 'Open audit', settings: 'Open settings', policy: 'Open policy' }

/** A message as a sentence of its own. */
export function sentence(text: string): string {
  const start = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
  return /[.!?]$/.test(start) ? start : `${start}.`
}

export function countsText({ error, warning, info }: PostureCounts): string {
  const part = (count: number, one: string, many: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? one : many}`])
  const parts = [...part(error, 'error', 'errors'), ...part(warning, 'warning', 'warnings'), ...part(info, 'note', 'notes')]
  return parts.length === 0 ? 'Nothing is open' : parts.join(', ')
}

/** The day so many days from now, for a date field. */
export function dayAfter(now: number, days: number): string {
  return new Date(now + days * 86_400_000).toISOString().slice(0, 10)
}
