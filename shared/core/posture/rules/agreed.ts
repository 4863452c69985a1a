/** What was agreed: settings that give up a protection. */
import { TOLERATED } from '../../../contract/policy.ts'
import type { As2Connection } from '../../../contract/connections/index.ts'
import { DAY_MS, daysBetween } from '../days.ts'
import type { ConnectionView } from '../facts.ts'
import type { Aspect } from '../observations.ts'
import { connectionRule, fact, partnerRule, type Hit, type Rule, type RuleText } from '../rule.ts'
import { pgpSettingsOf } from '../settings.ts'
import { strengthOf } from '../strength.ts'

/** A rule about AS2 settings: the sentence when it fires, else null. */
function as2Rule(text: Omit<RuleText, 'domain'> & Partial<Pick<RuleText, 'domain'>>, find: (connection: As2Connection, view: ConnectionView) => string | null): Rule {
  return connectionRule({
    domain: 'crypto', ...text,
    find: (view) => {
      const message = view.connection.protocol === 'as2' ? find(view.connection, view) : null
      return message === null ? [] : [{ message: `${view.name}: ${message}`, open: { kind: 'partner-form' as const, id: view.partner.document.id } }]
    },
  })
}

const sends = ({ url }: As2Connection): boolean => url !== undefined

export const agreedRules: readonly Rule[] = [
  as2Rule({ code: 'as2_sha1', severity: 'warning', title: 'AS2 messages are signed with SHA-1', rationale: 'SHA-1 collisions can be made; auditors and large partners refuse it.', sources: ['NIST SP 800-131A Rev. 2 §9', 'draft-ietf-ediint-rfc4130bis'], suggestion: 'Ask the partner: "Can you verify SHA-256 signatures?" Nearly all products can. Then edit the partner and choose sha256 as the digest.' }, (as2) => (sends(as2) && as2.message.sign && as2.message.digest === 'sha1' ? 'our messages are signed with SHA-1' : null)),
  as2Rule({ code: 'as2_3des', severity: 'warning', title: 'AS2 messages are encrypted with Triple DES', rationale: 'Triple DES is withdrawn since 2024, and slow.', sources: ['NIST SP 800-131A Rev. 2 §2 (disallowed after 2023)', 'OpenAS2 sample partners'], suggestion: 'Ask the partner: "Can you decrypt AES-256-CBC?" Nearly all products can. Then edit the partner and choose it as the cipher.' }, (as2) => (sends(as2) && as2.message.encrypt && as2.message.cipher === 'des-ede3-cbc' ? 'our messages are encrypted with Triple DES' : null)),
  as2Rule({ code: 'as2_not_signed', severity: 'warning', title: 'AS2 messages are not signed', rationale: 'The partner cannot tell our message from somebody else\'s, and the receipt proves less.', sources: ['RFC 4130 §2.4.2'], suggestion: 'Send our certificate to the partner, then edit the partner and switch signing on.' }, (as2) => (sends(as2) && !as2.message.sign ? 'what we send is not signed' : null)),
  as2Rule({ code: 'as2_not_encrypted', severity: 'warning', title: 'AS2 messages are not encrypted', rationale: 'With TLS alone, each proxy and load balancer in front of the partner reads the content.', sources: ['RFC 4130 §2.4.2'], suggestion: 'Ask the partner for their certificate for encryption, import it, then edit the partner and switch encryption on.' }, (as2) => (sends(as2) && !as2.message.encrypt ? 'what we send is not encrypted' : null)),
  as2Rule({ code: 'as2_no_proof', severity: 'warning', title: 'No signed receipt is asked for', rationale: 'Without a signed receipt there is no proof of delivery in a dispute.', sources: ['RFC 4130 §2.3.3 (non-repudiation of receipt)'], suggestion: 'Ask for signed receipts in the AS2 settings; partners answer them by themselves.' }, (as2) => (sends(as2) && as2.receipt.request !== 'signed' ? (as2.receipt.request === 'none' ? 'no receipt is asked for' : 'receipts need no signature') : null)),
  as2Rule({ code: 'as2_takes_unsigned', severity: 'warning', title: 'Unsigned messages are accepted', rationale: 'Whoever reaches our receiver and knows the names can put files into the Inbox.', sources: ['OpenAS2 default reject_unsigned_messages=false'], suggestion: 'Ask the partner to sign, then switch "Must be signed" on.' }, (as2) => (as2.inbound.requireSigned ? null : 'messages without a signature are accepted')),
  as2Rule({ code: 'as2_takes_unencrypted', severity: 'info', title: 'Messages that are not encrypted are accepted', rationale: 'A partner who forgets to encrypt is not noticed.', sources: ['RFC 4130 §2.4.2'], suggestion: 'Ask the partner to encrypt to our certificate, then switch "Must be encrypted" on.' }, (as2) => (as2.inbound.requireEncrypted ? null : 'messages that are not encrypted are accepted')),
  as2Rule({ code: 'as2_async_without_address', domain: 'transport', severity: 'error', title: 'Receipts cannot come back', rationale: 'Asynchronous receipts are posted to our address; without one each delivery waits and is given up.', sources: ['RFC 4130 §7.2'], suggestion: 'Under Settings, Our company, enter the address at which partners reach our receiver; or edit the partner and let receipts come back at once (sync).' }, (as2, { facts }) => (sends(as2) && as2.receipt.request !== 'none' && as2.receipt.mode === 'async' && as2.receipt.url === undefined && facts.station?.as2?.url === undefined ? 'receipts are to come asynchronously, and our station has no address' : null)),
  connectionRule({
    code: 'pgp_takes_unsigned', domain: 'crypto', severity: 'warning', title: 'Unsigned OpenPGP files are accepted',
    rationale: 'Everybody who has our public key can encrypt a file to us; only a signature tells from whom it is.',
    sources: ['RFC 9580 §13', 'NIST SP 800-177 Rev. 1'], suggestion: 'Ask the partner to sign, bind their key as pgp-verify, and switch "must be signed" on.',
    find: (view) => {
      const pgp = pgpSettingsOf(view.connection)
      return pgp?.inbound === 'open' && !pgp.requireSignature ? [{ message: `${view.name}: OpenPGP files without a signature are accepted`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []
    },
  }),
  partnerRule({
    code: 'exception_active', domain: 'crypto', severity: 'info', title: 'A weakness is tolerated for now',
    rationale: 'Each exception is a door that is open by agreement. It has a reason, an owner and a last day.',
    sources: ['NIST SP 800-131A Rev. 2 (legacy use)', 'Waybill: dated exceptions'], suggestion: 'Nothing today. Ask the partner from time to time whether it is still needed.',
    find: ({ document }, { now }) => document.exceptions.filter(({ until }) => stillHolds(until, now)).map((exception) => ({ detail: `${exception.allow} ${exception.connection ?? ''}`, message: `"${TOLERATED[exception.allow]}" until ${exception.until}`, evidence: [fact('Exception', exception.allow), fact('Reason', exception.reason), fact('Who answers for it', exception.owner)], open: { kind: 'partner-form' as const, id: document.id } })),
  }),
  partnerRule({
    code: 'exception_unused', domain: 'crypto', severity: 'warning', title: 'An exception is no longer needed',
    rationale: 'The partner negotiates better algorithms by now; the exception only helps an attacker who forces the old ones.',
    sources: ['RFC 9325 §3.1.1 (downgrade)', 'Terrapin, CVE-2023-48795'], suggestion: 'Remove the exception; deliveries go on with what the partner already uses.',
    find: unusedExceptions,
  }),
]

function stillHolds(until: string, now: number): boolean {
  return Date.parse(`${until}T00:00:00.000Z`) + DAY_MS > now
}

/** Which aspect shows whether an exception is used, and what its use looks like. */
const SHOWN: Partial<Readonly<Record<keyof typeof TOLERATED, readonly [Aspect, (value: string) => boolean]>>> = {
  'ssh-rsa': ['ssh.host-key-algorithm', (value) => value === 'ssh-rsa'],
  'ssh-dss': ['ssh.host-key-algorithm', (value) => value === 'ssh-dss'],
  'ssh-kex-sha1': ['ssh.kex', (value) => (strengthOf('ssh.kex', value) ?? 3) <= 1],
  'ssh-cbc': ['ssh.cipher', (value) => value.includes('-cbc')],
  'ssh-hmac-sha1': ['ssh.mac', (value) => value.includes('sha1')],
  'unsigned-receipt': ['as2.receipt-signed', (value) => value === 'no'],
}
const ENOUGH_DELIVERIES = 5
const WATCHED_DAYS = 30

function unusedExceptions({ document, updatedAt }: Parameters<Extract<Rule, { scope: 'partner' }>['find']>[0], { now, observations, traffic }: Parameters<Extract<Rule, { scope: 'partner' }>['find']>[1]): Hit[] {
  return document.exceptions.flatMap((exception) => {
    const shown = SHOWN[exception.allow]
    if (shown === undefined || !stillHolds(exception.until, now)) return []
    const here = (one: { readonly partner: string; readonly connection: string }): boolean => one.partner === document.id && (exception.connection === undefined || one.connection === exception.connection)
    const seen = observations.filter((one) => here(one) && one.aspect === shown[0])
    const deliveries = traffic.filter(here).reduce((sum, { total }) => sum + total, 0)
    const lastUse = seen.filter(({ value }) => shown[1](value)).map(({ lastSeen }) => lastSeen).toSorted().at(-1) ?? updatedAt
    const better = seen.filter(({ value, lastSeen }) => !shown[1](value) && lastSeen > lastUse)
    if (better.length === 0 || deliveries < ENOUGH_DELIVERIES || daysBetween(lastUse, now) < WATCHED_DAYS) return []
    return [{ detail: `${exception.allow} ${exception.connection ?? ''}`, message: `"${exception.allow}" was not used for ${daysBetween(lastUse, now)} days; the partner negotiates ${better.map(({ value }) => value).join(', ')}`, evidence: [fact('Exception', exception.allow), fact('Reason', exception.reason)], deliveries: better[0]?.deliveries ?? [], open: { kind: 'partner-form' as const, id: document.id } }]
  })
}
