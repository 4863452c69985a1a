/**
 * Pieces that the settings of several protocols share. Forms are made from these declarations; besides `title`, `description` and
 * `default` they read: `advanced` (shown on demand), `secret` (write-only), `ask` (the question that switches an optional group on)
 * and `when` (shown only while a neighbour has one of these values).
 */
import { z } from 'zod'
import { Timestamp } from '../common.ts'

/**
 * A secret. Given as text, or as the name of a file or environment variable that holds it (read by the command line, on
 * the operator's computer). It is sealed at once; documents that Waybill prints say `{ "sealed": true }`, and applying
 * such a document keeps the sealed value.
 */
export const SecretInput = z
  .union([
    z.string().min(1).max(65_536),
    z.strictObject({ file: z.string().min(1).max(4096) }),
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
    z.strictObject({ sealed: z.literal(true) }),
  ])
  .meta({ secret: true })
export type SecretInput = z.infer<typeof SecretInput>

/**
 * Where a secret stands in a connection, and under which field name it is sealed and handed to the adapter. Every protocol
 * lists its own; `connections.test.ts` holds the lists against the schemas.
 */
export interface SecretPlace {
  readonly path: readonly string[]
  readonly field: string
}

/** How we know that something is genuine. */
export const ProvenanceInput = z.strictObject({
  source: z.enum(['phone', 'mail', 'portal', 'in-person', 'partner-file', 'embedded', 'generated', 'first-use', 'other']).meta({ title: 'Where it came from' }),
  person: z.string().max(200).optional().meta({ title: 'Who confirmed it' }),
  at: Timestamp.optional(),
  note: z.string().max(1000).optional().meta({ title: 'Note' }),
})
export type ProvenanceInput = z.infer<typeof ProvenanceInput>

/** What people call a connection; its short name stays, since records and sealed secrets stand under it. */
export const ConnectionLabel = z.string().max(100).optional().meta({ title: 'Label', description: 'What people call this connection.' })

/** A host name or an IP address, without port. */
export const Host = z.string().min(1).max(253).regex(/^[A-Za-z0-9._:-]+$/, 'write a host name or an IP address')
export const Port = z.number().int().min(1).max(65_535)

export const ConnectTimeout = z.number().int().min(1).max(300).default(20).meta({ title: 'Connect time-out (s)', advanced: true })
export const IdleTimeout = z.number().int().min(5).max(3600).default(120).meta({ title: 'Idle time-out (s)', advanced: true })

/** How many connections the partner permits. */
export const MaxConnections = z.number().int().min(1).max(8).default(1).meta({ title: 'Connections at once', description: 'As many as the partner permits; files go side by side.', advanced: true })

/** How the content is checked after an upload. */
export const Verify = z
  .enum(['auto', 'size', 'hash', 'read-back'])
  .default('auto')
  .meta({ title: 'Check after upload', description: 'auto: checksum on the server where it can, else size. read-back: download and compare.', advanced: true })
export type Verify = z.infer<typeof Verify>

/** A proxy on the way to the server. */
export const ProxySettings = z
  .strictObject({
    kind: z.enum(['http', 'socks5']).meta({ title: 'Kind' }),
    host: Host.meta({ title: 'Proxy' }),
    port: Port.meta({ title: 'Port' }),
    username: z.string().min(1).max(200).optional().meta({ title: 'User name' }),
    password: SecretInput.optional().meta({ title: 'Password', secret: true }),
  })
  .meta({ title: 'Proxy', ask: 'Go through a proxy', advanced: true })
export type ProxySettings = z.infer<typeof ProxySettings>

const CertificatePinText = z
  .string()
  .max(16_384)
  .regex(
    /^(sha256:([0-9a-f]{64}|([0-9A-F]{2}:){31}[0-9A-F]{2})|spki:[A-Za-z0-9+/]{43}=|-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*)$/,
    'write sha256:… (fingerprint of the certificate), spki:… (SHA-256 of its public key in Base64) or the certificate in PEM',
  )

/** A pinned server certificate: its SHA-256 fingerprint, its public key's hash, or the certificate; and how we know it. */
export const CertificatePin = z.union([
  CertificatePinText,
  z.strictObject({ certificate: CertificatePinText, provenance: ProvenanceInput.optional() }),
])
export type CertificatePin = z.infer<typeof CertificatePin>

/** How the identity of a TLS server is decided. */
export const TlsSettings = z
  .strictObject({
    trust: z
      .enum(['authority', 'pinned'])
      .default('authority')
      .meta({
        title: 'Server identity',
        description:
          'authority: a chain to an authority that is bound to this connection, else to one that the system trusts, and the right name; certificates that are pinned besides must match. pinned: one of the pinned certificates or public keys, whoever issued it.',
      }),
    minimum: z.enum(['1.2', '1.3']).default('1.2').meta({ title: 'Lowest TLS version', advanced: true }),
    serverName: Host.optional().meta({ title: 'Name in the certificate', description: 'Where it differs from the server\'s address.', advanced: true }),
    pins: z.array(CertificatePin).max(20).optional().meta({ title: 'Pinned certificates', description: 'Left out: the pins stay as they are.' }),
  })
  .meta({ title: 'TLS' })
export type TlsSettings = z.infer<typeof TlsSettings>

/** What is collected from the partner's folder, and what becomes of it there. File protocols only. */
export const ReceiveSettings = z
  .strictObject({
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder there', description: 'Where the partner puts files for us; "." is where the server starts us (S3: below the prefix).' }),
    patterns: z.array(z.string().min(1).max(255)).min(1).max(50).default(['*']).meta({ title: 'Files', description: 'Patterns with * and ?, like ORDERS*.edi; upper and lower case alike.' }),
    except: z.array(z.string().min(1).max(255)).max(50).default([]).meta({ title: 'But not' }),
    stableSeconds: z.number().int().min(0).max(86_400).default(10).meta({ title: 'Unchanged for (s)', description: 'A file is complete when size and time stay the same this long.' }),
    marker: z.string().min(1).max(64).optional().meta({ title: 'Marker ending', description: 'With .done, a file is taken once NAME.done stands beside it.', advanced: true }),
    sameContent: z.enum(['hold', 'take']).default('hold').meta({ title: 'Known content under another name', description: 'hold: it waits for a person, since it may be a renamed copy. take: it is a new file.', advanced: true }),
    after: z.enum(['leave', 'delete', 'move']).default('leave').meta({ title: 'Afterwards', description: 'Only once the file is safely here.' }),
    moveTo: z.string().min(1).max(1024).optional().meta({ title: 'Move to', when: { after: ['move'] } }),
  })
  .refine(({ after, moveTo }) => after !== 'move' || moveTo !== undefined, { message: 'name the folder to move to', path: ['moveTo'] })
  .meta({ title: 'Receiving', ask: 'Collect files from the partner' })
export type ReceiveSettings = z.infer<typeof ReceiveSettings>

/** Payload protection with OpenPGP; the keys are bound in the inventory (roles `pgp-…`). */
export const PgpSettings = z
  .strictObject({
    outbound: z.enum(['none', 'sign', 'encrypt', 'sign-and-encrypt']).default('none').meta({ title: 'What we send' }),
    inbound: z.enum(['none', 'open']).default('none').meta({ title: 'What we receive', description: 'open: decrypt and check signatures before a file is released.' }),
    requireSignature: z.boolean().default(true).meta({ title: 'Received files must be signed', when: { inbound: ['open'] } }),
    encryptToSelf: z.boolean().default(false).meta({ title: 'Also encrypt to our own key', description: 'So that what was sent can be opened again in a dispute.', when: { outbound: ['encrypt', 'sign-and-encrypt'] } }),
    profile: z.enum(['gnupg22', 'modern']).default('gnupg22').meta({ title: 'Packet profile', description: 'gnupg22: what every GnuPG since 2.1 reads. modern: AEAD once the partner has confirmed it.', advanced: true }),
    armor: z.boolean().default(false).meta({ title: 'As text (ASCII armour)', advanced: true }),
    suffix: z.string().max(16).regex(/^(\.[A-Za-z0-9]+)*$/, 'write an ending with its dot, like .pgp').default('.pgp').meta({ title: 'Ending of protected files', advanced: true }),
  })
  .meta({ title: 'OpenPGP', ask: 'Protect files with OpenPGP' })
export type PgpSettings = z.infer<typeof PgpSettings>
