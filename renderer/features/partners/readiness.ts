/** What is still missing before the first exchange over a connection, and the act that provides it. Pure. */
import type { As2Connection, Connection } from '../../../shared/contract/connections/index.ts'
import type { PgpSettings } from '../../../shared/contract/connections/common.ts'
import type { TrustItem } from '../../../shared/contract/trust.ts'
import type { Role } from '../../../shared/contract/trust-words.ts'

/** Certificates or OpenPGP keys to bind: the partner's, or ours for every partner. */
export interface BindAct {
  readonly kind: 'bind'
  readonly whose: 'theirs' | 'ours'
  readonly material: 'x509' | 'pgp'
  readonly roles: readonly Role[]
}
export type Act = BindAct | { readonly kind: 'test' } | { readonly kind: 'settings' }

export interface Need {
  readonly title: string
  readonly why: string
  readonly act: Act
  /** Something can be exchanged without it. */
  readonly optional?: true
}

export interface Known {
  /** The server's identity is settled. */
  readonly trusted: boolean
  readonly items: readonly TrustItem[]
  /** Our own AS2 identifier and address, if entered. */
  readonly stationAs2: { readonly id: string; readonly url?: string | undefined } | null
  readonly receiverListens: boolean
  readonly now: number
}

export function missingFor(partner: string, connection: Connection, known: Known): readonly Need[] {
  const lacks = lackedRoles(partner, connection.id, known)
  const identity = known.trusted ? [] : [identityNeed(connection)]
  if (connection.protocol === 'as2') return [...identity, ...as2Needs(connection, known, lacks)]
  return [...identity, ...(connection.pgp === undefined ? [] : pgpNeeds(connection.pgp, lacks))]
}

function identityNeed(connection: Connection): Need {
  return connection.protocol === 'sftp'
    ? { title: 'The server’s host key is not confirmed', why: 'Test the connection and compare the key with the partner.', act: { kind: 'test' } }
    : { title: 'The server’s certificate is not confirmed', why: 'This connection trusts pinned certificates alone. Test it and compare the certificate with the partner.', act: { kind: 'test' } }
}

type Lacks = (roles: readonly Role[]) => readonly Role[]

/** Ours come from the partner's own bindings or the station's; a partner's certificates from the partner's alone. */
function lackedRoles(partner: string, connection: string, { items, now }: Known): Lacks {
  const bound = new Set(
    items.flatMap((item) =>
      item.bindings
        .filter(({ activeFrom, activeUntil }) => Date.parse(activeFrom) <= now && (activeUntil === null || now < Date.parse(activeUntil)))
        .filter(({ role }) => item.hasPrivateKey || !OURS.includes(role))
        .filter((binding) => (binding.partner === partner ? binding.connection === null || binding.connection === connection : binding.partner === null && !ONLY_THEIRS.includes(binding.role)))
        .map(({ role }) => role),
    ),
  )
  return (roles) => roles.filter((role) => !bound.has(role))
}

const OURS: readonly Role[] = ['sign', 'decrypt', 'pgp-sign', 'pgp-decrypt']
const ONLY_THEIRS: readonly Role[] = ['verify', 'encrypt', 'tls-caller']

function as2Needs({ as2Id, ourAs2Id, url, message, receipt, inbound }: As2Connection, { stationAs2, receiverListens }: Known, lacks: Lacks): readonly Need[] {
  const needs: Need[] = []
  if (ourAs2Id === undefined && stationAs2 === null) needs.push({ title: 'We have no AS2 identifier', why: 'Enter it in the settings, under our company; the partner addresses messages to it.', act: { kind: 'settings' } })
  const theirs = lacks([...(receipt.request === 'signed' || inbound.requireSigned ? (['verify'] as const) : []), ...(message.encrypt ? (['encrypt'] as const) : [])])
  if (theirs.length > 0) needs.push({ title: 'Their certificate is missing', why: `${theirs.includes('encrypt') ? 'We encrypt to it' : 'Their signatures are checked with it'}${theirs.length > 1 ? ' and check their signatures with it' : ''}.`, act: { kind: 'bind', whose: 'theirs', material: 'x509', roles: theirs } })
  if (inbound.requireClientCertificate && lacks(['tls-caller']).length > 0)
    needs.push({ title: 'Their TLS client certificate is missing', why: 'Nothing that they post is let in until the certificate is here that their program shows.', act: { kind: 'bind', whose: 'theirs', material: 'x509', roles: ['tls-caller'] } })
  const ours = lacks([...(message.sign ? (['sign'] as const) : []), ...(inbound.requireEncrypted || message.copyToSelf ? (['decrypt'] as const) : [])])
  if (ours.length > 0) needs.push({ title: 'Our certificate is missing', why: `${as2Id} checks our signatures with it and encrypts to it; one serves every partner.`, act: { kind: 'bind', whose: 'ours', material: 'x509', roles: ours } })
  if (url !== undefined && receipt.request !== 'none' && receipt.mode === 'async' && receipt.url === undefined && stationAs2?.url === undefined)
    needs.push({ title: 'Our address for receipts is missing', why: 'Asynchronous receipts are posted to it; enter the address of our receiver in the settings.', act: { kind: 'settings' } })
  if (!receiverListens) needs.push(receipt.mode === 'async' ? { title: 'Our receiver is off', why: 'Their messages and asynchronous receipts cannot reach us.', act: { kind: 'settings' } } : { title: 'Our receiver is off', why: 'We can send, but their messages cannot reach us.', act: { kind: 'settings' }, optional: true })
  return needs
}

function pgpNeeds({ outbound, inbound, requireSignature }: PgpSettings, lacks: Lacks): readonly Need[] {
  const encrypts = outbound === 'encrypt' || outbound === 'sign-and-encrypt'
  const signs = outbound === 'sign' || outbound === 'sign-and-encrypt'
  const theirs = lacks([...(encrypts ? (['pgp-encrypt'] as const) : []), ...(inbound === 'open' && requireSignature ? (['pgp-verify'] as const) : [])])
  const ours = lacks([...(signs ? (['pgp-sign'] as const) : []), ...(inbound === 'open' ? (['pgp-decrypt'] as const) : [])])
  return [
    ...(theirs.length === 0 ? [] : [{ title: 'Their OpenPGP key is missing', why: 'Files are encrypted to it, and their signatures checked with it.', act: { kind: 'bind', whose: 'theirs', material: 'pgp', roles: theirs } } as const]),
    ...(ours.length === 0 ? [] : [{ title: 'Our OpenPGP key is missing', why: 'We sign with it and open what the partner encrypted; one serves every partner.', act: { kind: 'bind', whose: 'ours', material: 'pgp', roles: ours } } as const]),
  ]
}
