/**
 * What is agreed about cryptography: one document with defaults for everyone, and what differs for a partner. Weak algorithms cannot be
 * written here at all: they need a dated exception.
 */
import { z } from 'zod'

export const DIGESTS = ['sha256', 'sha384', 'sha512'] as const
export const SIGNATURES = ['rsa-pkcs1', 'rsa-pss', 'ecdsa'] as const
export const CIPHERS = ['aes-256-gcm', 'aes-192-gcm', 'aes-128-gcm', 'aes-256-cbc', 'aes-192-cbc', 'aes-128-cbc'] as const
export const KEY_TRANSPORTS = ['rsaes-pkcs1', 'rsaes-oaep-sha1', 'rsaes-oaep-sha256', 'rsaes-oaep-sha384', 'rsaes-oaep-sha512'] as const
export const PGP_HASHES = ['SHA-256', 'SHA-384', 'SHA-512', 'SHA-224', 'SHA3-256', 'SHA3-512'] as const
export const PGP_CIPHERS = ['aes256', 'aes192', 'aes128'] as const
export const SSH_KEX = ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512', 'diffie-hellman-group18-sha512'] as const
export const SSH_HOST_KEYS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'] as const
// GCM first: the runtime does it in hardware, and it needs no separate MAC.
export const SSH_CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'] as const
export const SSH_MACS = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'] as const

const some = <const T extends readonly [string, ...string[]]>(names: T, title: string) => z.array(z.enum(names)).min(1).max(20).meta({ title })
const RsaBits = z.number().int().min(2048).max(16_384).meta({ title: 'Least RSA key (bits)' })

const SHAPE = {
  hardened: z.boolean().meta({ title: 'Hardened mode', description: 'Exchange nothing while trust or policy differs from what was approved.' }),
  send: {
    signed: z.boolean().meta({ title: 'Must be signed', description: 'AS2 messages by their signature, files of other connections by OpenPGP.' }),
    encrypted: z.boolean().meta({ title: 'Must be encrypted', description: 'AS2 messages by their encryption, files of other connections by OpenPGP.' }),
  },
  receive: {
    signed: z.boolean().meta({ title: 'Must be signed' }),
    encrypted: z.boolean().meta({ title: 'Must be encrypted' }),
  },
  receipts: {
    signed: z.boolean().meta({ title: 'Must be signed', description: 'AS2 connections must ask for signed receipts.' }),
    digests: some(DIGESTS, 'Digests'),
  },
  roles: {
    sign: { digests: some(DIGESTS, 'Digests'), signatures: some(SIGNATURES, 'Signatures'), rsaBits: RsaBits },
    verify: { digests: some(DIGESTS, 'Digests'), signatures: some(SIGNATURES, 'Signatures'), rsaBits: RsaBits },
    encrypt: { ciphers: some(CIPHERS, 'Ciphers'), keyTransports: some(KEY_TRANSPORTS, 'Key transport'), rsaBits: RsaBits },
    decrypt: { ciphers: some(CIPHERS, 'Ciphers'), keyTransports: some(KEY_TRANSPORTS, 'Key transport'), rsaBits: RsaBits },
    'tls-server': { rsaBits: RsaBits },
    'tls-client': { rsaBits: RsaBits },
    'ssh-host': { algorithms: some(SSH_HOST_KEYS, 'Algorithms'), rsaBits: RsaBits },
    'ssh-client': { rsaBits: RsaBits },
    'pgp-sign': { hashes: some(PGP_HASHES, 'Hashes'), rsaBits: RsaBits },
    'pgp-verify': { hashes: some(PGP_HASHES, 'Hashes'), rsaBits: RsaBits },
    'pgp-encrypt': { ciphers: some(PGP_CIPHERS, 'Ciphers'), rsaBits: RsaBits },
    'pgp-decrypt': { ciphers: some(PGP_CIPHERS, 'Ciphers'), rsaBits: RsaBits },
  },
  tls: {
    minimum: z.enum(['1.2', '1.3']).meta({ title: 'Lowest version' }),
    forwardSecrecy: z.boolean().meta({ title: 'Forward secrecy', description: 'Only suites with an ephemeral key exchange (RFC 9325 §4.1).' }),
  },
  ssh: {
    kex: some(SSH_KEX, 'Key exchange'),
    ciphers: some(SSH_CIPHERS, 'Ciphers'),
    macs: some(SSH_MACS, 'Message authentication'),
  },
} as const

type RoleShapes = typeof SHAPE.roles
const ROLE_TITLES: Readonly<Record<keyof RoleShapes, string>> = {
  sign: 'What we sign (AS2)', verify: 'What the partner signs (AS2)', encrypt: 'What we encrypt (AS2)', decrypt: 'What the partner encrypts (AS2)',
  'tls-server': 'Certificates of servers', 'tls-client': 'Our client certificates', 'ssh-host': 'Host keys of servers', 'ssh-client': 'Our SSH keys',
  'pgp-sign': 'What we sign (OpenPGP)', 'pgp-verify': 'What the partner signs (OpenPGP)', 'pgp-encrypt': 'What we encrypt (OpenPGP)', 'pgp-decrypt': 'What the partner encrypts (OpenPGP)',
}

/** Everything decided. Not among the roles: `ssh-jump`, a jump host is judged as a host, and `tls-caller`, whose certificates are bound one by one. */
const { roles: ROLES } = SHAPE
export const Policy = z.strictObject({
  hardened: SHAPE.hardened,
  send: z.strictObject(SHAPE.send),
  receive: z.strictObject(SHAPE.receive),
  receipts: z.strictObject(SHAPE.receipts),
  roles: z.strictObject({
    sign: z.strictObject(ROLES.sign), verify: z.strictObject(ROLES.verify), encrypt: z.strictObject(ROLES.encrypt), decrypt: z.strictObject(ROLES.decrypt),
    'tls-server': z.strictObject(ROLES['tls-server']), 'tls-client': z.strictObject(ROLES['tls-client']), 'ssh-host': z.strictObject(ROLES['ssh-host']), 'ssh-client': z.strictObject(ROLES['ssh-client']),
    'pgp-sign': z.strictObject(ROLES['pgp-sign']), 'pgp-verify': z.strictObject(ROLES['pgp-verify']), 'pgp-encrypt': z.strictObject(ROLES['pgp-encrypt']), 'pgp-decrypt': z.strictObject(ROLES['pgp-decrypt']),
  }),
  tls: z.strictObject(SHAPE.tls),
  ssh: z.strictObject(SHAPE.ssh),
})
export type Policy = z.infer<typeof Policy>

const partly = <T extends z.ZodRawShape>(shape: T, meta: { title: string; description?: string }) => z.strictObject(shape).partial().optional().meta(meta)

/** What differs from the level above: everyone's policy from what Waybill starts with, a partner's from everyone's. A list replaces the list above. */
export const PolicyChange = z
  .strictObject({
    $schema: z.string().optional(),
    hardened: SHAPE.hardened.optional(),
    send: partly(SHAPE.send, { title: 'What we send' }),
    receive: partly(SHAPE.receive, { title: 'What we receive' }),
    receipts: partly(SHAPE.receipts, { title: 'Receipts' }),
    tls: partly(SHAPE.tls, { title: 'TLS' }),
    ssh: partly(SHAPE.ssh, { title: 'SSH' }),
    roles: z
      .strictObject({
        sign: partly(ROLES.sign, { title: ROLE_TITLES.sign }), verify: partly(ROLES.verify, { title: ROLE_TITLES.verify }), encrypt: partly(ROLES.encrypt, { title: ROLE_TITLES.encrypt }), decrypt: partly(ROLES.decrypt, { title: ROLE_TITLES.decrypt }),
        'tls-server': partly(ROLES['tls-server'], { title: ROLE_TITLES['tls-server'] }), 'tls-client': partly(ROLES['tls-client'], { title: ROLE_TITLES['tls-client'] }), 'ssh-host': partly(ROLES['ssh-host'], { title: ROLE_TITLES['ssh-host'] }), 'ssh-client': partly(ROLES['ssh-client'], { title: ROLE_TITLES['ssh-client'] }),
        'pgp-sign': partly(ROLES['pgp-sign'], { title: ROLE_TITLES['pgp-sign'] }), 'pgp-verify': partly(ROLES['pgp-verify'], { title: ROLE_TITLES['pgp-verify'] }), 'pgp-encrypt': partly(ROLES['pgp-encrypt'], { title: ROLE_TITLES['pgp-encrypt'] }), 'pgp-decrypt': partly(ROLES['pgp-decrypt'], { title: ROLE_TITLES['pgp-decrypt'] }),
      })
      .optional()
      .meta({ title: 'Algorithms and sizes by role' }),
  })
  .meta({ title: 'Waybill policy', description: 'Required protections, permitted algorithms and sizes by role, receipts, TLS and SSH. What is left out stays as it is one level above.' })
export type PolicyChange = z.infer<typeof PolicyChange>

/** What Waybill starts with. Protections are what each connection's own settings demand; a policy can demand more. */
export const DEFAULT_POLICY: Policy = {
  hardened: false,
  send: { signed: false, encrypted: false },
  receive: { signed: false, encrypted: false },
  receipts: { signed: false, digests: [...DIGESTS] },
  roles: {
    sign: { digests: [...DIGESTS], signatures: [...SIGNATURES], rsaBits: 2048 },
    verify: { digests: [...DIGESTS], signatures: [...SIGNATURES], rsaBits: 2048 },
    encrypt: { ciphers: [...CIPHERS], keyTransports: [...KEY_TRANSPORTS], rsaBits: 2048 },
    decrypt: { ciphers: [...CIPHERS], keyTransports: [...KEY_TRANSPORTS], rsaBits: 2048 },
    'tls-server': { rsaBits: 2048 },
    'tls-client': { rsaBits: 2048 },
    'ssh-host': { algorithms: [...SSH_HOST_KEYS], rsaBits: 2048 },
    'ssh-client': { rsaBits: 2048 },
    'pgp-sign': { hashes: [...PGP_HASHES], rsaBits: 2048 },
    'pgp-verify': { hashes: [...PGP_HASHES], rsaBits: 2048 },
    'pgp-encrypt': { ciphers: [...PGP_CIPHERS], rsaBits: 2048 },
    'pgp-decrypt': { ciphers: [...PGP_CIPHERS], rsaBits: 2048 },
  },
  tls: { minimum: '1.2', forwardSecrecy: true },
  ssh: { kex: [...SSH_KEX], ciphers: [...SSH_CIPHERS], macs: [...SSH_MACS] },
}
