/** What was really negotiated, against the policy and against the partner's own history. */
import { dayOf, daysBetween } from '../days.ts'
import type { ConnectionView, Observation } from '../facts.ts'
import type { Aspect } from '../observations.ts'
import { connectionRule, fact, type Hit, type Rule, type RuleText } from '../rule.ts'
import { COMPARED_ASPECTS, strengthOf } from '../strength.ts'

/** What is older tells of the past only. */
const RECENT_DAYS = 30

const isRecent = ({ lastSeen }: Observation, now: number): boolean => daysBetween(lastSeen, now) <= RECENT_DAYS

/** Values of one aspect, the newest first. */
export function seenOf({ observations }: ConnectionView, aspect: Aspect): Observation[] {
  return observations.filter((one) => one.aspect === aspect).toSorted((left, right) => right.lastSeen.localeCompare(left.lastSeen))
}

/** The value that holds now: of the newest delivery. */
export function latest(view: ConnectionView, aspect: Aspect): Observation | undefined {
  return seenOf(view, aspect)[0]
}

const NAMES: Readonly<Record<Aspect, string>> = {
  'ssh.kex': 'key exchange', 'ssh.cipher': 'cipher', 'ssh.mac': 'message authentication', 'ssh.host-key-algorithm': 'host key signature', 'ssh.host-key': 'host key', 'ssh.software': 'server software', 'ssh.sign-in': 'sign-in',
  'tls.version': 'TLS version', 'tls.cipher': 'TLS cipher suite', 'tls.certificate': 'certificate', 'tls.public-key': 'public key', 'tls.issuer': 'issuer', 'tls.key-exchange': 'TLS key exchange', 'ftps.data-session': 'data connection',
  'as2.received-digest': 'signature of their messages', 'as2.received-cipher': 'encryption of their messages', 'as2.received-signer': 'certificate that signs their messages', 'as2.receipt-signed': 'signature of their receipts', 'as2.receipt-signer': 'certificate that signs their receipts', 'as2.receipt-mic': 'digest in their receipts',
  'pgp.cipher': 'OpenPGP cipher', 'pgp.packet': 'OpenPGP packet', 'pgp.signer': 'OpenPGP signer', 'pgp.hash': 'hash of OpenPGP signatures', 'way.jump-host': 'jump host', refused: 'refusal', reached: 'last contact', outage: 'outage',
}

export const nameOf = (aspect: Aspect): string => NAMES[aspect]

/** Weak values that are in use now. */
function weak(text: Omit<RuleText, 'domain' | 'severity'>, aspects: readonly Aspect[]): Rule {
  return connectionRule({
    domain: 'crypto', severity: 'warning', ...text,
    find: (view) =>
      aspects.flatMap((aspect) => {
        const now = latest(view, aspect)
        const strength = now === undefined ? null : strengthOf(aspect, now.value)
        if (now === undefined || strength === null || strength > 1 || !isRecent(now, view.facts.now) || isAbsent(aspect, now.value)) return []
        return [{ detail: aspect, severity: strength === 0 ? ('error' as const) : ('warning' as const), message: `${view.name} uses ${now.value} (${NAMES[aspect]})`, evidence: [fact(capital(NAMES[aspect]), now.value), fact('Since', dayOf(now.firstSeen)), fact('Last seen', dayOf(now.lastSeen))], deliveries: now.deliveries }]
      }),
  })
}

/** Nothing signed, nothing encrypted: other rules speak of that, by what was agreed. */
function isAbsent(aspect: Aspect, value: string): boolean {
  return value === 'no' || value === 'none' || value === 'nobody' || aspect === 'as2.receipt-signed'
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

/** Where the newest value came only after another one: when, and what was before. */
function changed(view: ConnectionView, aspect: Aspect): { readonly now: Observation; readonly before: Observation } | null {
  const [now, ...earlier] = seenOf(view, aspect)
  // A value that was there before is no news: servers with several names take turns.
  const before = earlier.find(({ firstSeen }) => now !== undefined && firstSeen < now.firstSeen)
  if (now === undefined || before === undefined) return null
  return { now, before }
}

function change({ now, before }: { readonly now: Observation; readonly before: Observation }): Pick<Hit, 'evidence' | 'deliveries'> {
  return { evidence: [fact('Before', before.value), fact('Before: last seen', dayOf(before.lastSeen)), fact('Now', now.value), fact('Now: first seen', dayOf(now.firstSeen))], deliveries: now.deliveries }
}

/** A new value of an aspect where another one stood. */
function fresh(text: RuleText, aspect: Aspect, also: (view: ConnectionView) => boolean = () => true): Rule {
  return connectionRule({
    ...text,
    find: (view) => {
      const found = changed(view, aspect)
      if (found === null || daysBetween(found.now.firstSeen, view.facts.now) > RECENT_DAYS || !also(view)) return []
      return [{ detail: found.now.value, message: `${view.name} shows another ${NAMES[aspect]} since ${dayOf(found.now.firstSeen)}`, ...change(found) }]
    },
  })
}

const issuerStays = (view: ConnectionView): boolean => {
  const issuers = changed(view, 'tls.issuer')
  return issuers === null || daysBetween(issuers.now.firstSeen, view.facts.now) > RECENT_DAYS
}

const STEPS_DOWN = COMPARED_ASPECTS.filter((aspect) => aspect !== 'as2.receipt-signed' && aspect !== 'pgp.signer')

export const observedRules: readonly Rule[] = [
  weak({ code: 'observed_weak_ssh', title: 'A weak SSH algorithm is in use', rationale: 'What is negotiated is what protects the file, whatever is written in the settings.', sources: ['RFC 9142 (SSH key exchange)', 'RFC 8758 (RC4), RFC 8332 (SHA-2 for RSA)', 'NIST SP 800-131A Rev. 2'], suggestion: 'Send the partner\'s administrator what was seen, and ask for newer algorithms. Once they are there, remove the exception that permits the old ones.' }, ['ssh.kex', 'ssh.cipher', 'ssh.mac', 'ssh.host-key-algorithm']),
  weak({ code: 'observed_weak_tls', title: 'A weak TLS version or suite is in use', rationale: 'TLS before 1.2 is withdrawn, and suites without forward secrecy let recorded traffic be read later.', sources: ['RFC 8996', 'RFC 9325 §4.1', 'NIST SP 800-52 Rev. 2'], suggestion: 'Send the partner\'s administrator what was seen, with the request to switch on TLS 1.3, or ECDHE suites with AES-GCM.' }, ['tls.version', 'tls.cipher']),
  weak({ code: 'observed_weak_message', title: 'The partner\'s AS2 messages or receipts are weakly protected', rationale: 'SHA-1 signatures can be forged and Triple DES is withdrawn; a receipt with SHA-1 proves less every year.', sources: ['NIST SP 800-131A Rev. 2 §2, §9', 'draft-ietf-ediint-rfc4130bis'], suggestion: 'Ask the partner to sign with SHA-256 and to encrypt with AES.' }, ['as2.received-digest', 'as2.received-cipher', 'as2.receipt-mic']),
  weak({ code: 'observed_weak_pgp', title: 'The partner\'s OpenPGP files are weakly protected', rationale: 'Old packets can be changed on the way without notice, and SHA-1 signatures can be forged.', sources: ['RFC 9580 §9.5, §13.7', 'EFAIL (2018)'], suggestion: 'Send the partner what was seen, with the request to update GnuPG and to remove old "cipher-algo" and "digest-algo" lines from its settings.' }, ['pgp.cipher', 'pgp.packet', 'pgp.hash']),
  connectionRule({
    code: 'silent_downgrade', domain: 'crypto', severity: 'error', title: 'The connection became weaker',
    rationale: 'A step down without a word is either a changed server or somebody in between who forces old algorithms.',
    sources: ['RFC 9325 §3.1.1 (downgrade)', 'Terrapin, CVE-2023-48795', 'Logjam (2015)'], suggestion: 'Call the partner and ask what changed on that day. If they know of nothing, suspend the exchange and let their network people look.',
    find: (view) =>
      STEPS_DOWN.flatMap((aspect) => {
        const found = changed(view, aspect)
        if (found === null) return []
        const [now, before] = [strengthOf(aspect, found.now.value), strengthOf(aspect, found.before.value)]
        if (now === null || before === null || now >= before || !isRecent(found.now, view.facts.now)) return []
        // From modern to acceptable is a change of configuration; below that it is a weakness.
        return [{ detail: aspect, severity: now <= 1 ? ('error' as const) : ('warning' as const), message: `${view.name} went from ${found.before.value} to ${found.now.value} (${NAMES[aspect]}) on ${dayOf(found.now.firstSeen)}`, ...change(found) }]
      }),
  }),
  connectionRule({
    code: 'receipt_no_longer_signed', domain: 'crypto', severity: 'error', title: 'Receipts are no longer signed',
    rationale: 'Everybody can write an unsigned receipt: it proves nothing in a dispute.',
    sources: ['RFC 4130 §7.3, §2.3.3'], suggestion: 'Ask the partner to sign receipts again; their certificate may have expired or been exchanged.',
    find: (view) => stopped(view, 'as2.receipt-signed', (value) => value === 'no', 'receipts of', 'are no longer signed'),
  }),
  connectionRule({
    code: 'message_no_longer_signed', domain: 'crypto', severity: 'error', title: 'Messages or files are no longer signed',
    rationale: 'From then on nothing tells that they come from the partner.',
    sources: ['RFC 4130 §2.4.2', 'RFC 9580 §13'], suggestion: 'Ask the partner what changed, and switch "must be signed" on, so that unsigned ones are refused.',
    find: (view) => [...stopped(view, 'as2.received-digest', (value) => value === 'no', 'messages of', 'are no longer signed'), ...stopped(view, 'pgp.signer', (value) => value === 'nobody', 'OpenPGP files of', 'are no longer signed')],
  }),
  connectionRule({
    code: 'message_no_longer_encrypted', domain: 'crypto', severity: 'error', title: 'Messages or files are no longer encrypted',
    rationale: 'The content can be read by everything between the partner and us.',
    sources: ['RFC 4130 §2.4.2'], suggestion: 'Ask the partner what changed, and switch "must be encrypted" on.',
    find: (view) => [...stopped(view, 'as2.received-cipher', (value) => value === 'no', 'messages of', 'are no longer encrypted'), ...stopped(view, 'pgp.cipher', (value) => value === 'none', 'OpenPGP files of', 'are no longer encrypted')],
  }),
  fresh({ code: 'signer_changed', domain: 'crypto', severity: 'info', title: 'Another certificate signs the partner\'s messages', rationale: 'A change of certificates that was agreed looks like this; one that was not should be asked about.', sources: ['RFC 4130 §8'], suggestion: 'Check that the change was announced, and end the binding of the old certificate.' }, 'as2.received-signer'),
  fresh({ code: 'receipt_signer_changed', domain: 'crypto', severity: 'info', title: 'Another certificate signs the partner\'s receipts', rationale: 'Often the first sign of a change of certificates on the partner\'s side.', sources: ['RFC 4130 §7.1'], suggestion: 'Check that the change was announced, and end the binding of the old certificate.' }, 'as2.receipt-signer'),
  fresh({ code: 'host_key_replaced', domain: 'transport', severity: 'info', title: 'The server shows another host key', rationale: 'It is one of the pinned ones, else nothing would have been sent. The old one can go once the partner confirms.', sources: ['RFC 4251 §4.1'], suggestion: 'Ask the partner whether the old key is gone, and end its binding.' }, 'ssh.host-key'),
  fresh({ code: 'tls_certificate_renewed', domain: 'transport', severity: 'info', title: 'The server shows another certificate', rationale: 'A renewal by the same issuer. Worth knowing where certificates are pinned.', sources: ['CA/Browser Forum SC-081v3 (shorter lifetimes)'], suggestion: 'Nothing, if the partner renews regularly.' }, 'tls.certificate', issuerStays),
  fresh({ code: 'tls_issuer_changed', domain: 'transport', severity: 'warning', title: 'Another authority issued the server\'s certificate', rationale: 'A partner changes its authority rarely. A proxy that opens TLS on the way looks exactly like this.', sources: ['RFC 9325 §7', 'RFC 8659 (CAA)', 'Superfish (2015)'], suggestion: 'Ask the partner who issued their new certificate; if it is not that one, ask our own network people about TLS inspection.' }, 'tls.issuer'),
  connectionRule({
    code: 'identity_refused', domain: 'transport', severity: 'error', title: 'The other side\'s identity was refused',
    rationale: 'The server, message or receipt came with a key that is not the agreed one. Nothing was sent or accepted on it; until it is settled nothing goes.',
    sources: ['RFC 4251 §9.3.4 (man in the middle)', 'RFC 6125', 'RFC 4130 §7'], suggestion: 'Call the partner, not by the address in the message, and compare the fingerprint. If it is theirs, trust it on the partner\'s page; if not, send nothing.',
    find: (view) => {
      const refusals = seenOf(view, 'refused')
      const good = view.traffic?.lastDeliveredAt ?? ''
      // Settled by a delivery, by a test that went through, or by trusting what was presented.
      const settled = (seen: Observation): boolean => seen.lastSeen <= good || (view.test?.ok === true && view.test.at > seen.lastSeen) || view.bound.some(({ item }) => seen.value.split(' ')[1] === item.fingerprint)
      return refusals.filter((seen) => !settled(seen) && isRecent(seen, view.facts.now)).map((seen) => {
        const [code = '', ...presented] = seen.value.split(' ')
        return { detail: seen.value, message: `${view.name}: ${REFUSALS[code] ?? code}${presented.length === 0 ? '' : ` (${presented.join(' ')})`}`, evidence: [fact('Refused as', code), ...(presented.length === 0 ? [] : [fact('Presented', presented.join(' '))]), fact('First seen', seen.firstSeen), fact('Last seen', seen.lastSeen)], deliveries: seen.deliveries }
      })
    },
  }),
  connectionRule({
    code: 'ftps_session_anew', domain: 'transport', severity: 'info', title: 'FTPS data connections do not resume the session',
    rationale: 'Resuming proves that the data connection belongs to the one that signed in; without it somebody else may fetch the file first.',
    sources: ['RFC 4217', 'vsftpd require_ssl_reuse'], suggestion: 'Ask the partner\'s administrator: "Please require TLS session reuse on your FTPS server." Nothing is wrong on our side.',
    find: (view) => {
      const now = latest(view, 'ftps.data-session')
      return now === undefined || now.value.startsWith('resumed') || !isRecent(now, view.facts.now) ? [] : [{ message: `${view.name}: data connections are ${now.value}`, evidence: [fact('Last seen', dayOf(now.lastSeen))], deliveries: now.deliveries }]
    },
  }),
  connectionRule({
    code: 'server_outdated', domain: 'transport', severity: 'info', title: 'The partner\'s SSH server is old',
    rationale: 'Old servers lack today\'s algorithms and repairs; the next step of hardening on our side will lock them out.',
    sources: ['CVE-2023-48795 (Terrapin)', 'CVE-2024-6387 (regreSSHion)', 'OpenSSH release notes'], suggestion: 'Send the partner\'s administrator the version that was seen, and ask when it will be updated.',
    find: (view) => {
      const now = latest(view, 'ssh.software')
      const version = now === undefined ? null : /OpenSSH_(\d+)\.(\d+)/.exec(now.value)
      if (now === undefined || version === null || !isRecent(now, view.facts.now)) return []
      // 7.4 and older left the last supported distributions in 2024.
      const number = Number(version[1]) * 100 + Number(version[2])
      return number > 704 ? [] : [{ message: `${view.name} runs ${now.value}`, evidence: [fact('Seen', dayOf(now.lastSeen))], deliveries: now.deliveries }]
    },
  }),
]

const REFUSALS: Readonly<Record<string, string>> = {
  'sftp.host_key_changed': 'the server presented another host key than the pinned one',
  'sftp.host_key_other_algorithm': 'the server presented a host key of another kind than the pinned one',
  'sftp.host_key_revoked': 'the server presented a host key that is revoked here',
  'sftp.host_certificate_refused': 'the server\'s host certificate does not prove it',
  'tls.certificate_changed': 'the server presented another certificate than the pinned one',
  'tls.certificate_unknown': 'no trusted authority vouches for the server\'s certificate',
  'tls.expired': 'the server\'s certificate has expired',
  'tls.not_yet_valid': 'the server\'s certificate is not valid yet',
  'tls.wrong_name': 'the server\'s certificate is for another name',
  'as2.receipt_wrong_signer': 'a receipt was signed with a certificate that is not bound',
  'as2.receipt_unsigned': 'a receipt came without the signature that was asked for',
  'as2.receipt_signature_invalid': 'the signature of a receipt is wrong',
  'as2.algorithm_refused': 'an algorithm that is not permitted was used',
  'pgp.signer_unknown': 'a file was signed with an OpenPGP key that is not bound',
  'pgp.weak_algorithm': 'a file was protected with an OpenPGP algorithm that is too weak',
  'pgp.no_integrity': 'a file came without integrity protection',
  'pgp.key_expired': 'an OpenPGP key has expired',
}

/** A protection that was there and is gone: the newest value is absence, and an earlier one was not. */
function stopped(view: ConnectionView, aspect: Aspect, isNone: (value: string) => boolean, of: string, what: string): Hit[] {
  const [now, ...earlier] = seenOf(view, aspect)
  const before = earlier.find(({ value }) => !isNone(value))
  if (now === undefined || before === undefined || !isNone(now.value) || !isRecent(now, view.facts.now)) return []
  return [{ detail: aspect, message: `${of} ${view.name} ${what}: last protected on ${dayOf(before.lastSeen)}`, ...change({ now, before }) }]
}
