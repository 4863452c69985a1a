/** How the right server is told from a wrong one, and the way to it. */
import type { TrustItem } from '../../../contract/trust.ts'
import { inRole, type ConnectionView } from '../facts.ts'
import { connectionRule, fact, ofItem, type Hit, type Rule } from '../rule.ts'
import { plainHostOf, proxyOf, tlsOf } from '../settings.ts'
import { latest, seenOf } from './observed.ts'

const form = (view: ConnectionView): Pick<Hit, 'open'> => ({ open: { kind: 'partner-form', id: view.partner.document.id } })

const isPinned = ({ connection, ...view }: ConnectionView): boolean => connection.protocol === 'sftp' && view.bound.some(({ item, binding }) => binding.role === 'ssh-host' && (item.kind === 'ssh-host' || item.kind === 'ssh-ca'))

const PINNED: readonly string[] = ['ssh-host', 'ssh-jump', 'tls-server', 'tls-caller', 'verify', 'encrypt']
const MD5 = /\bMD5\b|(^|[^0-9a-f:])([0-9a-f]{2}:){15}[0-9a-f]{2}($|[^0-9a-f:])/i
const SHA1 = /\bSHA-?1\b(?!\d)|(^|[^0-9a-f:])([0-9a-f]{2}:){19}[0-9a-f]{2}($|[^0-9a-f:])/i
const STRONG = /SHA-?(2|256|384|512)/i

/** What was compared, or is named in the notes, is a weak fingerprint only. */
function comparedWeakly({ provenance }: TrustItem): boolean {
  const notes = provenance.flatMap(({ note, compared }) => [note ?? '', ...(compared === undefined ? [] : [spelled(compared)])])
  return notes.some((note) => MD5.test(note) || SHA1.test(note)) && !notes.some((note) => STRONG.test(note))
}

/** Fingerprints come with and without separators: by their length it is said what they are. */
function spelled(compared: string): string {
  const digits = compared.replaceAll(/[^0-9a-f]/gi, '').length
  const isHex = /^(sha-?1:?|md5:?)?[0-9a-f:\s-]+$/i.test(compared)
  return isHex && digits === 40 ? 'SHA-1' : isHex && digits === 32 ? 'MD5' : 'SHA-256'
}

/** Public certificates live at most this long (CA/Browser Forum BR §6.3.2). */
const PUBLIC_DAYS = 398
const DAY_MS = 86_400_000

export const transportRules: readonly Rule[] = [
  connectionRule({
    code: 'host_key_unpinned', domain: 'transport', severity: 'error', title: 'The server\'s host key is not pinned',
    rationale: 'Without a pinned key nothing tells the partner\'s server from another one, so nothing is sent.',
    sources: ['RFC 4251 §4.1', 'Xferity sftp_host_key_not_pinned', 'rclone connects without a check by default'], suggestion: 'Test the connection on the partner\'s page, compare the fingerprint with the partner by phone, and trust it.',
    find: (view) => (view.connection.protocol !== 'sftp' || isPinned(view) ? [] : [{ message: `${view.name} has no pinned host key`, evidence: [fact('Server', view.connection.host)] }]),
  }),
  connectionRule({
    code: 'jump_host_unpinned', domain: 'transport', severity: 'error', title: 'The jump host\'s key is not pinned',
    rationale: 'The jump host sees our sign-in and decides where the connection leads.',
    sources: ['RFC 4251 §4.1'], suggestion: 'Ask whoever runs the jump host for its fingerprint and enter it in the connection.',
    find: (view) => (view.connection.protocol !== 'sftp' || view.connection.jump === undefined || inRole(view, 'ssh-jump').length > 0 ? [] : [{ message: `the jump host ${view.connection.jump.host} of ${view.name} has no pinned key`, ...form(view) }]),
  }),
  connectionRule({
    code: 'host_key_single', domain: 'transport', severity: 'info', title: 'Only one host key is pinned',
    rationale: 'When the partner changes it, deliveries stop until somebody compares the new one. A second key (another kind, or the next one) bridges that.',
    sources: ['RFC 8332 (several host key kinds)', 'OpenSSH UpdateHostKeys'], suggestion: 'Ask the partner for the fingerprints of all their host keys and pin them too.',
    find: (view) => {
      if (view.connection.protocol !== 'sftp') return []
      const pins = inRole(view, 'ssh-host').filter(({ item }) => item.kind === 'ssh-host')
      const [only] = pins
      return pins.length !== 1 || only === undefined || inRole(view, 'ssh-host').some(({ item }) => item.kind === 'ssh-ca') ? [] : [{ message: `${view.name} rests on one host key`, evidence: [fact('Pinned', only.item.fingerprint), fact('Kind', only.item.algorithm)] }]
    },
  }),
  connectionRule({
    code: 'host_key_weak', domain: 'transport', severity: 'warning', title: 'A pinned host key is weak',
    rationale: 'DSA keys and RSA keys below 2048 bit can be broken: somebody else could then be that server.',
    sources: ['RFC 8332', 'NIST SP 800-131A Rev. 2 §3', 'OpenSSH 9.8 removed DSA'], suggestion: 'Ask the partner\'s administrator for an Ed25519 host key and its fingerprint, trust it on the partner\'s page, and end the use of the weak one.',
    find: (view) => inRole(view, 'ssh-host').filter(({ item }) => item.kind === 'ssh-host' && (item.algorithm === 'ssh-dss' || (item.algorithm.includes('rsa') && item.bits !== null && item.bits < 2048))).map(({ item }) => ({ ...ofItem(item), detail: view.id, message: `the host key of ${view.name} is ${item.algorithm}${item.bits === null ? '' : ` with ${item.bits} bit`}`, evidence: [fact('Fingerprint', item.fingerprint)] })),
  }),
  connectionRule({
    code: 'host_key_fingerprint_only', domain: 'transport', severity: 'info', title: 'A host key is known by its fingerprint only',
    rationale: 'Its kind and size cannot be judged before a server has shown it.',
    sources: ['RFC 4255 (fingerprints)'], suggestion: 'Test the connection once; the key itself is then kept.',
    find: (view) => inRole(view, 'ssh-host').filter(({ item }) => item.kind === 'ssh-host' && item.publicKey === null).map(({ item }) => ({ detail: item.id, message: `of a host key of ${view.name} only ${item.fingerprint} is known` })),
  }),
  connectionRule({
    code: 'pin_compared_weakly', domain: 'transport', severity: 'warning', title: 'A pinned key was compared by a weak fingerprint',
    rationale: 'The note of how it was compared names an MD5 or SHA-1 fingerprint: two keys with the same one can be made, so the comparison proves little.',
    sources: ['RFC 4716 §4 (MD5 fingerprints)', 'NIST SP 800-131A Rev. 2 §9 (SHA-1, MD5)', 'OpenSSH 6.8: SHA-256 fingerprints by default'], suggestion: 'Call the partner once more, compare the SHA256 fingerprint that is shown at the key, and note it with "Confirm".',
    find: (view) =>
      view.bound.filter(({ item, binding }) => PINNED.includes(binding.role) && binding.partner !== null && item.provenance.length > 0 && comparedWeakly(item)).map(({ item }) => ({ ...ofItem(item), detail: view.id, message: `how ${item.label} was compared names ${item.provenance.some(({ note }) => MD5.test(note ?? '')) ? 'an MD5' : 'a SHA-1'} fingerprint only`, evidence: [fact('Fingerprint', item.fingerprint), ...item.provenance.flatMap(({ note }) => (note == null ? [] : [fact('Note', note)]))] })),
  }),
  connectionRule({
    code: 'connection_test_failed', domain: 'transport', severity: 'warning', title: 'The last test of a connection failed',
    rationale: 'Nothing went through since: the next file will meet the same problem.',
    sources: ['Google SRE book: alert on symptoms'], suggestion: 'Test the connection again on the partner\'s page, and follow the steps at the stage that fails.',
    find: (view) => (view.test === null || view.test.ok || view.test.at < view.partner.updatedAt || view.test.at < (view.traffic?.lastDeliveredAt ?? '') ? [] : [{ message: `the test of ${view.name} on ${view.test.at.slice(0, 10)} failed`, evidence: view.test.failed === null ? [] : [fact('Reason', view.test.failed)] }]),
  }),
  connectionRule({
    code: 'tls_pin_missing', domain: 'transport', severity: 'error', title: 'A certificate should be pinned and none is',
    rationale: 'The connection trusts pinned certificates only, and there is none: nothing can be sent.',
    sources: ['RFC 6125 §6', 'RFC 7469 (pinning)'], suggestion: 'Test the connection on the partner\'s page, compare the certificate with the partner, and trust it.',
    find: (view) => (tlsOf(view.connection)?.trust !== 'pinned' || inRole(view, 'tls-server').some(({ binding }) => binding.partner !== null) ? [] : [{ message: `${view.name} trusts pinned certificates, and none is pinned` }]),
  }),
  connectionRule({
    code: 'tls_pin_short_lived', domain: 'transport', severity: 'warning', title: 'A certificate is pinned that is renewed often',
    rationale: 'Public certificates live 200 days now and 47 from 2029: each renewal stops the exchange while the certificate itself is pinned.',
    sources: ['CA/Browser Forum SC-081v3', 'RFC 7469 §2.6'], suggestion: 'Ask the partner whether the key stays the same at renewals. If so, pin the public key (spki:…) that the connection test shows; if not, edit the partner and trust the authority instead.',
    find: (view) =>
      tlsOf(view.connection) === null
        ? []
        : inRole(view, 'tls-server').filter(({ item, binding }) => binding.partner !== null && item.kind === 'x509' && !item.fingerprint.startsWith('spki:') && item.x509 !== null && !item.x509.selfSigned && Date.parse(item.x509.notAfter) - Date.parse(item.x509.notBefore) <= (PUBLIC_DAYS + 1) * DAY_MS).map(({ item }) => ({ ...ofItem(item), detail: view.id, message: `${view.name} is pinned to a certificate of ${item.x509?.issuer ?? ''} that ends on ${item.notAfter?.slice(0, 10) ?? ''}` })),
  }),
  connectionRule({
    code: 'tls_minimum_low', domain: 'transport', severity: 'info', title: 'TLS 1.3 could be demanded',
    rationale: 'The server has spoken nothing but TLS 1.3 for weeks; as long as 1.2 is permitted somebody in between can ask for it.',
    sources: ['RFC 9325 §3.1.1', 'RFC 8446 Appendix D'], suggestion: 'Edit the partner and choose 1.3 as "Lowest TLS version".',
    find: (view) => {
      const seen = seenOf(view, 'tls.version')
      const [now] = seen
      const days = now === undefined ? 0 : (Date.parse(now.lastSeen) - Date.parse(now.firstSeen)) / DAY_MS
      return tlsOf(view.connection)?.minimum !== '1.2' || seen.length !== 1 || now?.value !== 'TLSv1.3' || days < 30 ? [] : [{ message: `${view.name} speaks TLS 1.3 in every delivery, and 1.2 is permitted`, deliveries: now.deliveries, ...form(view) }]
    },
  }),
  connectionRule({
    code: 'tls_other_name', domain: 'transport', severity: 'info', title: 'The certificate is checked against another name',
    rationale: 'The name in the certificate and the address differ by agreement; when the partner moves, that agreement is easily forgotten.',
    sources: ['RFC 6125 §6.2'], suggestion: 'Ask the partner for a certificate with the name of their address, then empty "Name in the certificate".',
    find: (view) => {
      const name = tlsOf(view.connection)?.serverName
      return name === undefined ? [] : [{ message: `${view.name} is checked against ${name}`, ...form(view) }]
    },
  }),
  connectionRule({
    code: 'plain_http', domain: 'transport', severity: 'warning', title: 'The address is reached without TLS',
    rationale: 'Names, headers and sizes can be read and changed on the way; an unsigned or unencrypted message altogether.',
    sources: ['RFC 4130 §9', 'RFC 9110 §17'], suggestion: 'Ask the partner for their https address, and enter it in the connection.',
    find: (view) => {
      const host = plainHostOf(view.connection)
      if (host === null) return []
      const isProtected = view.connection.protocol === 'as2' && view.connection.message.sign && view.connection.message.encrypt
      return [{ severity: isProtected ? ('warning' as const) : ('error' as const), message: `${view.name} is reached over plain HTTP (${host})${isProtected ? '' : ', and what is sent is not both signed and encrypted'}`, evidence: [fact('Server', host)], ...form(view) }]
    },
  }),
  connectionRule({
    code: 'receipts_plain_http', domain: 'transport', severity: 'info', title: 'Receipts come back without TLS',
    rationale: 'Signed receipts cannot be forged, but everybody on the way sees with whom we exchange what, and can drop them.',
    sources: ['RFC 4130 §7.2'], suggestion: 'Ask our network people for an https address of our receiver, and enter it under Settings, Our company.',
    find: (view) => {
      const { connection, facts } = view
      if (connection.protocol !== 'as2' || connection.url === undefined || connection.receipt.request === 'none' || connection.receipt.mode !== 'async') return []
      const url = URL.parse(connection.receipt.url ?? facts.station?.as2?.url ?? '')
      return url?.protocol === 'http:' && url.hostname !== '127.0.0.1' && url.hostname !== 'localhost' ? [{ message: `${view.name} posts its receipts to ${url.host} over plain HTTP`, open: { kind: 'settings', id: 'station' } }] : []
    },
  }),
  connectionRule({
    code: 'proxy_in_path', domain: 'transport', severity: 'info', title: 'A proxy is on the way',
    rationale: 'It sees with whom we exchange and how much, and everything stops when it does.',
    sources: ['RFC 9110 §7.6', 'RFC 1928'], suggestion: 'Nothing, if it is ours. Keep in mind whom to call when nothing goes.',
    find: (view) => {
      const proxy = proxyOf(view.connection)
      return proxy === null ? [] : [{ message: `${view.name} goes through the ${proxy.kind} proxy ${proxy.host}:${proxy.port}`, ...form(view) }]
    },
  }),
  connectionRule({
    code: 'proxy_password_plain', domain: 'auth', severity: 'warning', title: 'The proxy\'s password travels in the clear',
    rationale: 'The connection to the proxy itself has no TLS: everybody in our network can read user name and password.',
    sources: ['RFC 7617 §4', 'RFC 1929 §3'], suggestion: 'Ask our network people for a proxy rule by address instead of by password.',
    find: (view) => {
      const proxy = proxyOf(view.connection)
      return proxy?.username === undefined ? [] : [{ message: `${view.name} signs in at the proxy ${proxy.host} as ${proxy.username} without TLS`, ...form(view) }]
    },
  }),
  connectionRule({
    code: 'jump_host_unseen', domain: 'transport', severity: 'warning', title: 'Deliveries do not go through the jump host',
    rationale: 'The settings name a jump host and the newest delivery did not pass it: settings and reality differ.',
    sources: ['Waybill: observed against declared'], suggestion: 'Test the connection. If the jump host is no longer needed, remove it from the settings.',
    find: (view) => {
      const { connection } = view
      if (connection.protocol !== 'sftp' || connection.jump === undefined) return []
      const way = latest(view, 'way.jump-host')
      const kex = latest(view, 'ssh.kex')
      return kex === undefined || kex.lastSeen < view.partner.updatedAt || (way !== undefined && way.lastSeen >= kex.lastSeen) ? [] : [{ message: `${view.name} names the jump host ${connection.jump.host}, and the newest delivery went without it`, deliveries: kex.deliveries, ...form(view) }]
    },
  }),
]
