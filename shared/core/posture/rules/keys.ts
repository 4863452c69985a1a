/** Keys and certificates against what they are used for. The inventory judges them; here it is said why that matters and what to do. */
import type { Connection } from '../../../contract/connections/index.ts'
import type { Role } from '../../../contract/trust.ts'
import { asUsed } from '../../flows/steps.ts'
import { allowedPgp, pgpSettingsOf } from '../settings.ts'
import { inRole, isActive, type ConnectionView, type PostureFacts } from '../facts.ts'
import { connectionRule, fact, itemRule, ofItem, type Hit, type Rule, type RuleText } from '../rule.ts'

/** A finding of the inventory, with its reasons. `codes` are those of the inventory. */
function judged(text: Omit<RuleText, 'domain' | 'severity'> & Partial<Pick<RuleText, 'domain' | 'severity'>>, codes: readonly string[]): Rule {
  return itemRule({ domain: 'crypto', severity: 'error', ...text, find: ({ trust }) => trust.filter(({ code }) => codes.includes(code)).map(hitOf) })
}

function hitOf({ severity, message, items, partners }: PostureFacts['trust'][number]): Hit {
  const [item, ...others] = items
  return {
    ...(item === undefined ? {} : ofItem(item)),
    severity,
    partner: partners.length === 1 ? (partners[0] ?? null) : null,
    detail: message,
    message,
    evidence: [...(others.length === 0 ? [] : [fact('Also', others.map(({ label }) => label).join(', '))]), ...(partners.length === 0 ? [] : [fact('Partners', partners.join(', '))])],
  }
}

export const keyRules: readonly Rule[] = [
  judged({ code: 'key_small', title: 'A key is too small', rationale: 'RSA keys below 2048 bit can be broken by those who can pay for it, now and for everything that was recorded.', sources: ['NIST SP 800-131A Rev. 2 §3', 'CA/Browser Forum BR §6.1.5'], suggestion: 'Ask its owner for a certificate with RSA 3072 or more, import and bind it. Until then only a dated exception lets it work.' }, ['trust_key_small', 'trust_weak']),
  judged({ code: 'key_unusable_kind', title: 'A key cannot do what it is bound for', rationale: 'The role stays empty: messages that need it are refused.', sources: ['RFC 5652 §6.2'], suggestion: 'Ask its owner for another one (for AS2 a certificate with an RSA key), or make one if it is ours. Import it, and use it for this instead.' }, ['trust_key_type', 'trust_wrong_kind', 'trust_defective']),
  judged({ code: 'private_key_missing', title: 'The private half is not here', rationale: 'Without it nothing can be signed or opened in this role.', sources: ['Waybill: roles of our own'], suggestion: 'Import the file that holds certificate and private key together (PKCS#12 or PEM).' }, ['trust_no_private_key', 'trust_no_secret', 'trust_protected']),
  judged({ code: 'key_revoked', title: 'A key in use was revoked by its owner', rationale: 'Its owner says that it must not be used any more, perhaps because somebody else has it.', sources: ['RFC 9580 §5.2.3.31 (reason for revocation)'], suggestion: 'Call the partner, ask for the new key, compare its fingerprint, and bind it instead.' }, ['trust_revoked']),
  judged({ code: 'issuer_signature_weak', severity: 'warning', title: 'A certificate was signed with a weak hash', rationale: 'SHA-1 and MD5 signatures can be forged: another certificate with the same signature can be made.', sources: ['SHAttered (2017), SHA-1 chosen-prefix collisions (2020)', 'CA/Browser Forum BR §7.1.3'], suggestion: 'Ask for a certificate that is signed with SHA-256.' }, ['trust_weak_signature', 'trust_sha1_self_signature']),
  judged({ code: 'usage_lacking', severity: 'warning', title: 'The certificate is not made for this use', rationale: 'Strict products look at the key usage and refuse the message; that often shows only after a partner\'s update.', sources: ['RFC 5280 §4.2.1.3', 'OpenSSL purpose checks'], suggestion: 'Ask for a certificate with the key usage that is named, at the next renewal at the latest.' }, ['trust_usage', 'trust_not_a_ca']),
  judged({ code: 'purpose_lacking', severity: 'warning', title: 'The certificate lacks the purpose', rationale: 'Where the extended key usage is checked, the certificate is refused.', sources: ['RFC 5280 §4.2.1.12', 'RFC 8550 §4.4.4'], suggestion: 'Ask for a certificate with the purpose that is named, or with none.' }, ['trust_purpose']),
  judged({ code: 'test_key', title: 'A public test key is in use', rationale: 'It comes with a product: everybody can read and sign with it.', sources: ['mendelson AS2 and OpenAS2 ship such keys; mendelson warns of its own'], suggestion: 'Make a key of our own, or ask the partner for theirs, before real files are exchanged.' }, ['trust_test_key']),
  judged({ code: 'one_key_for_two', severity: 'info', title: 'One key signs and encrypts', rationale: 'Both have to be renewed on the same day, and a key that is kept for reading old files can also sign new ones.', sources: ['NIST SP 800-57 Part 1 Rev. 5 §5.2'], suggestion: 'Nothing today. At the next renewal, make or ask for one certificate for signing and another for encrypting.' }, ['trust_one_key_for_two']),
  judged({ code: 'shared_by_partners', severity: 'warning', title: 'Several partners have the same key', rationale: 'Each can read and sign for the others.', sources: ['NIST SP 800-57 Part 1 Rev. 5 §5.2'], suggestion: 'Ask whether one service provider works for all of them; if not, let each make a key of its own.' }, ['trust_shared_by_partners']),
  judged({ code: 'messages_and_tls', severity: 'info', title: 'One certificate for messages and for TLS', rationale: 'The web server\'s key lies on more machines, and public ones change several times a year; each change then concerns every partner.', sources: ['draft-ietf-ediint-rfc4130bis (separate certificates)', 'CA/Browser Forum SC-081v3 (47 days by 2029)'], suggestion: 'Nothing today. At the next renewal, make or ask for a certificate that is used for messages only.' }, ['trust_messages_and_tls']),
  judged({ code: 'trusted_on_first_use', title: 'A key was trusted as it was presented', rationale: 'Whoever stood between us and the partner on that day is trusted since then.', sources: ['RFC 4251 §4.1', 'rclone and scripts that skip the host check'], suggestion: 'Call the partner, compare the fingerprint, and note it with "Confirm".' }, ['trust_first_use']),
  judged({ code: 'unconfirmed', severity: 'warning', title: 'Nobody has confirmed that a key is genuine', rationale: 'A certificate that came by e-mail may have been exchanged on the way; self-signed ones prove nothing by themselves.', sources: ['RFC 4130 §8 (trust is established out of band)', 'NIST SP 800-57 Part 1 Rev. 5 §8.1.5'], suggestion: 'Call the partner, compare the fingerprint, and note it with "Confirm".' }, ['trust_unconfirmed']),
  connectionRule({
    code: 'role_missing', domain: 'crypto', severity: 'error', title: 'A key that the agreement needs is missing',
    rationale: 'Each file that needs it is refused before it is sent, or cannot be opened when it comes.',
    sources: ['RFC 4130 §8', 'mendelson configuration check, issues 9–12'], suggestion: 'Import the certificate or key that is named under Keys & certificates, and choose this role and partner under "Use it for…".',
    find: missingRoles,
  }),
  itemRule({
    code: 'client_auth_ends', domain: 'crypto', severity: 'warning', title: 'Public authorities stop issuing certificates for signing in',
    rationale: 'From 2026 on, certificates of public web authorities no longer carry the purpose "client authentication": the renewal of this one will be refused by servers that ask for it.',
    sources: ['Chrome Root Program Policy 1.6 (dedicated server authentication from 15 June 2026)', 'Let\'s Encrypt and DigiCert announcements of 2025'], suggestion: 'Ask the partner whether they accept a certificate that we make ourselves, or one of a private authority, and agree on a day for the change before the next renewal.',
    find: ({ items, now }) =>
      items
        .filter(({ x509, state, bindings }) => state === 'active' && x509 !== null && !x509.selfSigned && x509.extendedKeyUsage?.includes('clientAuth') === true && x509.extendedKeyUsage.includes('serverAuth') && bindings.some((binding) => binding.role === 'tls-client' && isActive(binding, now)))
        .map((item) => ({ ...ofItem(item), message: `${item.label} signs us in, and was issued by ${item.x509?.issuer ?? ''} for servers and clients alike`, evidence: [fact('Issuer', item.x509?.issuer ?? ''), fact('Purposes', item.x509?.extendedKeyUsage?.join(', ') ?? '')] })),
  }),
  connectionRule({
    code: 'pgp_profile_unproved', domain: 'crypto', severity: 'warning', title: 'The partner\'s key does not announce the modern format',
    rationale: 'A program that cannot read AEAD packets says "unknown packet type" and nothing else: every file is lost on it.',
    sources: ['RFC 9580 §5.13', 'OpenKeychain #2900, bc-csharp #497'], suggestion: 'Edit the partner and set the packet profile back to gnupg22; or ask the partner first whether their program reads AEAD, and for a test file.',
    find: (view) => {
      if (pgpSettingsOf(view.connection)?.profile !== 'modern') return []
      return inRole(view, 'pgp-encrypt').filter(({ item }) => item.pgp !== null && !item.pgp.preferences.seipdV2 && !item.pgp.preferences.aead).map(({ item }) => ({ detail: item.id, message: `${item.label} does not say that it reads AEAD packets, and the profile of ${view.id} is "modern"`, evidence: [fact('Key', item.fingerprint)], open: { kind: 'partner-form' as const, id: view.partner.document.id } }))
    },
  }),
  itemRule({
    code: 'client_key_shared', domain: 'auth', severity: 'info', title: 'One SSH key signs in at several partners',
    rationale: 'Each partner can see that it is the same key, and a change concerns all of them on the same day.',
    sources: ['NIST IR 7966 (SSH key management) §4'], suggestion: 'Nothing today. At the next change, make a key for each partner under Keys & certificates.',
    find: ({ items, now }) =>
      items.filter(({ kind }) => kind === 'ssh-client').flatMap((item) => {
        const partners = [...new Set(item.bindings.filter((binding) => binding.partner !== null && isActive(binding, now)).map(({ partner }) => partner))].toSorted()
        return partners.length < 2 ? [] : [{ ...ofItem(item), message: `${item.label} signs in at ${partners.length} partners`, evidence: [fact('Partners', partners.join(', '))] }]
      }),
  }),
]

/** Roles that the settings of a connection need, and why. */
function missingRoles(view: ConnectionView): Hit[] {
  return neededRoles(view)
    .filter(([role]) => inRole(view, role).length === 0)
    .map(([role, reason]) => ({ detail: role, message: `${view.name} has nothing bound as ${role}: ${reason}`, evidence: [fact('Role', role), fact('Needed because', reason)], open: { kind: 'trust' as const, id: '' } }))
}

function neededRoles({ connection, flows }: ConnectionView): (readonly [Role, string])[] {
  const needed: (readonly [Role, string])[] = []
  const add = (condition: boolean, role: Role, reason: string): void => void (condition && !needed.some(([other]) => other === role) && needed.push([role, reason]))
  if (connection.protocol === 'as2') {
    const sends = connection.url !== undefined
    add(sends && connection.message.sign, 'sign', 'our messages are to be signed')
    add(sends && connection.message.encrypt, 'encrypt', 'our messages are to be encrypted to the partner')
    add(connection.inbound.requireSigned || (sends && connection.receipt.request === 'signed'), 'verify', 'signatures of the partner are to be checked')
    add(connection.inbound.requireEncrypted, 'decrypt', 'the partner\'s messages are to be opened')
    return needed
  }
  const addPgp = (used: Connection, because: string): void => {
    const pgp = allowedPgp(pgpSettingsOf(used))
    add(pgp.signs, 'pgp-sign', `our files are to be signed with OpenPGP${because}`)
    add(pgp.encrypts, 'pgp-encrypt', `our files are to be encrypted with OpenPGP${because}`)
    add(pgp.opens, 'pgp-decrypt', `the partner's OpenPGP files are to be opened${because}`)
    add(pgp.verifies, 'pgp-verify', `OpenPGP signatures of the partner are to be checked${because}`)
  }
  addPgp(connection, '')
  for (const { document } of flows) addPgp(asUsed(document, connection), `, as a step of the flow "${document.name}" asks`)
  return needed
}
