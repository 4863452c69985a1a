/** Steps, dates and the text of a rollover. Pure. */
import type { RolloverPartner } from '../../contract/rollover.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'

/** The other side decides which of several is used: both are accepted from the first day on. */
const COMES_IN: readonly Role[] = ['verify', 'decrypt', 'tls-caller', 'ssh-host', 'ssh-jump', 'pgp-verify', 'pgp-decrypt']

/** The certificate of our own server is what we show; a partner's server decides what it shows. */
export function comesIn(role: Role, ours: boolean): boolean {
  return COMES_IN.includes(role) || (role === 'tls-server' && !ours)
}

/** From when on the next item serves a role: at once, at the switch, or (null) once the partner is seen to use it. */
export function startOf(role: Role, ours: boolean, now: string, switchAt: string | null): string | null {
  return comesIn(role, ours) ? now : switchAt
}

/** The old item is kept while it was seen so recently, whatever the plan says. */
export const QUIET_DAYS = 7
const DAY_MS = 86_400_000

export function mayRetire(partner: Pick<RolloverPartner, 'oldLastSeen'>, retireAt: string | null, now: number): boolean {
  if (retireAt === null || now < Date.parse(retireAt)) return false
  return partner.oldLastSeen === null || now - Date.parse(partner.oldLastSeen) >= QUIET_DAYS * DAY_MS
}

export function stepOf({ sent, acknowledged, firstSeen, oldRetired }: Omit<RolloverPartner, 'step'>): RolloverPartner['step'] {
  if (oldRetired) return 'retired'
  if (firstSeen !== null) return 'in-use'
  return acknowledged !== null ? 'acknowledged' : sent !== null ? 'sent' : 'prepared'
}

export interface MailFacts {
  readonly station: string
  readonly partner: string
  readonly ours: boolean
  readonly next: Pick<TrustItem, 'label' | 'fingerprint' | 'notAfter' | 'x509'>
  readonly old: Pick<TrustItem, 'label' | 'notAfter'>
  readonly switchAt: string | null
  readonly retireAt: string | null
  /** The file that goes along, or null. */
  readonly card: string | null
}

/** What is sent to the partner, with the fingerprints to compare by phone. */
export function mailText({ station, partner, ours, next, old, switchAt, retireAt, card }: MailFacts): { subject: string; body: string } {
  const prints = [`  ${next.fingerprint}`, ...(next.x509 === null ? [] : [`  SHA-1 ${(next.x509.sha1.toUpperCase().match(/../g) ?? []).join(':')}`])]
  const day = (time: string): string => `${time.slice(0, 10)} (${time.slice(11, 16)} UTC)`
  const steps = ours
    ? [
        'Please install it beside the present one, so that nothing has to be switched at the same minute:',
        '  1. Accept our signatures with either of the two from now on.',
        `  2. ${switchAt === null ? 'As soon as you encrypt to the new one, or have confirmed it, we sign with it.' : `From ${day(switchAt)} on we sign with the new one; encrypt to it from then on, or earlier.`}`,
        ...(retireAt === null ? [] : [`  3. After ${day(retireAt)} we no longer use the present one.`]),
      ]
    : [
        'We have installed it beside the present one. We accept your signatures with either of the two from now on.',
        `  ${switchAt === null ? 'As soon as you sign with the new one, we encrypt to it.' : `From ${day(switchAt)} on we encrypt to the new one.`}`,
        ...(retireAt === null ? [] : [`  After ${day(retireAt)} we no longer accept the present one.`]),
      ]
  return {
    subject: ours ? `${station}: our certificate changes` : `${station}: your new certificate`,
    body: [
      `Dear ${partner},`,
      '',
      ours ? `our key "${old.label}"${old.notAfter === null ? '' : ` ends on ${old.notAfter.slice(0, 10)} and`} is replaced by "${next.label}"${next.notAfter === null ? '' : `, valid until ${next.notAfter.slice(0, 10)}`}.` : `thank you for "${next.label}", which replaces "${old.label}".`,
      '',
      'Its fingerprints, which we are glad to compare with you by phone:',
      ...prints,
      ...(card === null ? [] : ['', `Attached is our partner card (${card}) with the new certificate and our settings. Its six read-back words we tell you by phone, not by mail.`]),
      '',
      ...steps,
      '',
      'Please answer this mail when it is done.',
      '',
      station,
      '',
    ].join('\n'),
  }
}
