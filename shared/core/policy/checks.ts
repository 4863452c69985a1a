/** What the policy has to say about traffic: from the facts that were observed to checks, from checks and exceptions to a judgement. Pure. */
import type { Policy } from '../../contract/policy-document.ts'
import type { Exception, PolicyRule, Toleration } from '../../contract/policy.ts'

/** Flat facts as attempts and receipts keep them. */
export type Facts = Readonly<Record<string, string>>
export type Direction = 'outbound' | 'inbound'

export interface Check {
  readonly rule: PolicyRule
  /** What was used. */
  readonly seen: string
  /** What the policy wants. */
  readonly asked: string
  readonly ok: boolean
  /** The exception that permits it; null when none does. */
  readonly waiver: Toleration | null
}

export interface Reliance {
  readonly check: Check
  readonly exception: Exception
}

export interface Judgement {
  readonly breaches: readonly Check[]
  readonly relied: readonly Reliance[]
}

/** Exceptions that hold now on one connection decide what a failed check means. */
export function judge(checks: readonly Check[], exceptions: readonly Exception[]): Judgement {
  const failed = checks.filter(({ ok }) => !ok)
  const found = failed.map((check) => ({ check, exception: exceptions.find(({ allow }) => allow === check.waiver) }))
  return {
    breaches: found.flatMap(({ check, exception }) => (exception === undefined ? [check] : [])),
    relied: found.flatMap(({ check, exception }) => (exception === undefined ? [] : [{ check, exception }])),
  }
}

/** The line itself: SSH or TLS, or none of them. */
export function lineChecks(facts: Facts, policy: Policy): Check[] {
  return [...transportChecks(facts), ...sshChecks(facts, policy), ...tlsChecks(facts, policy)]
}

/** What travels: AS2 messages by their own protection, files of other connections by OpenPGP. */
export function contentChecks(kind: 'message' | 'file', direction: Direction, facts: Facts, policy: Policy): Check[] {
  const isSent = direction === 'outbound'
  const demanded = isSent ? policy.send : policy.receive
  const signed = kind === 'message' ? facts['signed'] !== undefined && facts['signed'] !== 'no' : isSent ? facts['pgpSignedWith'] !== undefined : facts['pgpSignedBy'] !== undefined && facts['pgpSignedBy'] !== 'nobody'
  const encrypted = kind === 'message' ? facts['encrypted'] !== undefined && facts['encrypted'] !== 'no' : isSent ? facts['pgpCipher'] !== undefined : facts['pgpEncryption'] !== undefined && facts['pgpEncryption'] !== 'none'
  return [
    check(isSent ? 'send-signed' : 'receive-signed', signed ? 'signed' : 'not signed', 'signed', signed || !demanded.signed, isSent ? 'send-unsigned' : 'receive-unsigned'),
    check(isSent ? 'send-encrypted' : 'receive-encrypted', encrypted ? 'encrypted' : 'not encrypted', 'encrypted', encrypted || !demanded.encrypted, isSent ? 'send-unencrypted' : 'receive-unencrypted'),
    ...(kind === 'message' ? messageChecks(isSent, signed, encrypted, facts, policy) : pgpChecks(isSent, facts, policy)),
  ]
}

/** A receipt for what we sent: `receiptAsked` is what the connection asks for, `receiptSigned` a digest or `no` once there is one. */
export function receiptChecks(facts: Facts, { receipts }: Policy): Check[] {
  const { receiptAsked: asked, receiptSigned: digest } = facts
  if (asked === undefined) return []
  const seen = digest === 'no' ? 'not signed' : asked === 'signed' ? 'signed' : asked === 'none' ? 'no receipt is asked for' : 'an unsigned one is asked for'
  const signed = check('receipt-signed', seen, 'signed', asked === 'signed' ? digest !== 'no' : !receipts.signed, 'unsigned-receipt')
  if (digest === undefined || digest === 'no') return [signed]
  return [signed, check('receipt-digest', digest, receipts.digests.join(', '), (receipts.digests as readonly string[]).includes(digest), weakCms(digest) ?? 'cms-policy')]
}

function messageChecks(isSent: boolean, signed: boolean, encrypted: boolean, facts: Facts, { roles }: Policy): Check[] {
  const signing = isSent ? roles.sign : roles.verify
  const sealing = isSent ? roles.encrypt : roles.decrypt
  const [digest = '', scheme] = (facts['signed'] ?? '').split(', ')
  const named = (rule: PolicyRule, value: string | undefined, permitted: readonly string[]): Check[] => (value === undefined || value === '' || value === 'yes' ? [] : [check(rule, value, permitted.join(', '), permitted.includes(value), weakCms(value) ?? 'cms-policy')])
  return [
    ...(signed ? [...named(isSent ? 'sign-digest' : 'verify-digest', digest, signing.digests), ...named(isSent ? 'sign-scheme' : 'verify-scheme', scheme ?? schemeOf(facts['signerKey']), signing.signatures), ...keyChecks(isSent ? 'sign-key' : 'verify-key', facts['signerKey'], signing.rsaBits)] : []),
    ...(facts['signerExpired'] === undefined || isSent ? [] : [check('verify-valid', `expired on ${facts['signerExpired'].slice(0, 10)}`, 'valid', false, 'certificate-expired')]),
    ...(encrypted ? [...named(isSent ? 'encrypt-cipher' : 'decrypt-cipher', facts['encrypted'], sealing.ciphers), ...named(isSent ? 'encrypt-transport' : 'decrypt-transport', facts['keyTransport'], sealing.keyTransports), ...keyChecks(isSent ? 'encrypt-key' : 'decrypt-key', facts['recipientKey'], sealing.rsaBits)] : []),
  ]
}

function schemeOf(key: string | undefined): string | undefined {
  return key === undefined ? undefined : /^ec/i.test(key) ? 'ecdsa' : 'rsa-pkcs1'
}

function pgpChecks(isSent: boolean, facts: Facts, { roles }: Policy): Check[] {
  const signing = isSent ? roles['pgp-sign'] : roles['pgp-verify']
  const sealing = isSent ? roles['pgp-encrypt'] : roles['pgp-decrypt']
  const [opened, packet] = (facts['pgpEncryption'] ?? '').split(', ')
  const hash = isSent ? /\(([^()]+)\)$/.exec(facts['pgpSignedWith'] ?? '')?.[1] : facts['pgpSignatureHash']
  const cipher = isSent ? facts['pgpCipher'] : opened
  const named = (rule: PolicyRule, value: string | undefined, permitted: readonly string[]): Check[] => (value === undefined || value === '' || value === 'none' ? [] : [check(rule, value, permitted.join(', '), permitted.includes(value), weakPgp(value) ?? 'pgp-policy')])
  return [
    ...named(isSent ? 'pgp-sign-hash' : 'pgp-verify-hash', hash, signing.hashes),
    ...keyChecks(isSent ? 'pgp-sign-key' : 'pgp-verify-key', facts['pgpSignerKey'], signing.rsaBits),
    ...named(isSent ? 'pgp-encrypt-cipher' : 'pgp-decrypt-cipher', cipher, sealing.ciphers),
    ...keyChecks(isSent ? 'pgp-encrypt-key' : 'pgp-decrypt-key', facts['pgpRecipientKey'], sealing.rsaBits),
    ...(isSent || packet === undefined ? [] : [check('pgp-integrity', packet, 'protected against change', packet !== 'sed', 'pgp-legacy')]),
  ]
}

function transportChecks(facts: Facts): Check[] {
  const plain = facts['transport'] === 'HTTP without TLS' || (facts['tlsVersion'] === 'none' && !isThisComputer(facts['endpoint'] ?? ''))
  return plain ? [check('transport-encrypted', 'HTTP without TLS', 'TLS', false, 'plain-http')] : []
}

function isThisComputer(address: string): boolean {
  const host = (URL.parse(address)?.hostname ?? '').replaceAll(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function sshChecks(facts: Facts, { ssh, roles }: Policy): Check[] {
  const { kex, cipher = '', mac = '', hostKeySignature = '' } = facts
  if (kex === undefined) return []
  const named = (rule: PolicyRule, values: string, permitted: readonly string[]): Check[] =>
    // Where both directions differ, both must be permitted.
    [...new Set(values.split(' / '))].filter((value) => value !== '').map((value) => check(rule, value, permitted.join(', '), permitted.includes(value), weakSsh(rule, value)))
  return [
    ...named('ssh-kex', kex, ssh.kex),
    ...named('ssh-cipher', cipher, ssh.ciphers),
    // The AEAD ciphers authenticate by themselves.
    ...(mac === 'implicit' ? [] : named('ssh-mac', mac, ssh.macs)),
    ...named('ssh-host-key', hostKeySignature.replace(/-cert-v01@openssh\.com$/, ''), roles['ssh-host'].algorithms),
    ...keyChecks('ssh-host-key-size', facts['hostKey'], roles['ssh-host'].rsaBits),
    ...keyChecks('ssh-client-key-size', facts['signInKey'], roles['ssh-client'].rsaBits),
  ]
}

function tlsChecks(facts: Facts, { tls, roles }: Policy): Check[] {
  const { tlsVersion: version, cipher = '' } = facts
  if (version === undefined || version === 'none') return []
  const forward = version === 'TLSv1.3' || /(ECDHE|DHE)/.test(cipher)
  return [
    check('tls-version', version, `TLS ${tls.minimum} or later`, version >= `TLSv${tls.minimum}`, version === 'TLSv1.2' ? 'tls-1.2' : null),
    check('tls-forward-secrecy', cipher, 'forward secrecy', forward || !tls.forwardSecrecy, 'tls-static-keys'),
    ...keyChecks('tls-server-key', facts['serverKey'], roles['tls-server'].rsaBits),
    ...keyChecks('tls-client-key', facts['clientKey'], roles['tls-client'].rsaBits),
  ]
}

/** `RSA 2048`, `rsa3072`, `EC P-256`, several with commas. Sizes of other kinds are fixed by their kind, and sound. */
function keyChecks(rule: PolicyRule, keys: string | undefined, least: number): Check[] {
  return (keys ?? '').split(', ').flatMap((key) => {
    const bits = /^(?:ssh-)?rsa(?:-pss)?[ -]?(\d+)/i.exec(key)?.[1]
    if (bits === undefined) return []
    const size = Number(bits)
    return [check(rule, `RSA, ${size} bit`, `RSA from ${least} bit`, size >= least, size < 1024 ? null : size < 2048 ? 'rsa-1024' : 'rsa-2048')]
  })
}

function check(rule: PolicyRule, seen: string, asked: string, ok: boolean, waiver: Toleration | null): Check {
  return { rule, seen, asked, ok, waiver }
}

function weakCms(value: string): Toleration | null {
  return value === 'sha1' ? 'cms-sha1' : value === 'md5' ? 'cms-md5' : value === 'des-ede3-cbc' ? 'cms-3des' : null
}

function weakPgp(value: string): Toleration | null {
  return value === 'SHA-1' ? 'pgp-sha1' : value === '3des' ? 'pgp-legacy' : null
}

function weakSsh(rule: PolicyRule, value: string): Toleration {
  if (rule === 'ssh-kex' && value.endsWith('sha1')) return 'ssh-kex-sha1'
  if (rule === 'ssh-cipher' && value.endsWith('-cbc')) return 'ssh-cbc'
  if (rule === 'ssh-mac' && value.includes('hmac-sha1')) return 'ssh-hmac-sha1'
  return value === 'ssh-rsa' || value === 'ssh-dss' ? value : 'ssh-policy'
}
