/** The inventory: what each relationship rests on, how we know it is genuine, and what uses it. */
import { z } from 'zod'
import { FileSource, Limit, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { ProvenanceInput } from './connections/common.ts'
import { Assurance, FitnessProblem, PgpDetails, RoleFitness, X509Details } from './trust-details.ts'
import { Role, TrustKind } from './trust-words.ts'

import { Consequence, trustInsights } from './trust-insights.ts'

export { Role, TrustKind } from './trust-words.ts'

/** Trust item × partner or station × connection × role × validity window. */
export const Binding = z.object({
  id: z.string(),
  item: z.string(),
  /** Null: the binding is our station's. */
  partner: Slug.nullable(),
  /** Null: for every connection of the partner. */
  connection: Slug.nullable(),
  role: Role,
  activeFrom: Timestamp,
  activeUntil: Timestamp.nullable(),
})
export type Binding = z.infer<typeof Binding>

export const Provenance = ProvenanceInput.extend({
  at: Timestamp,
  /** The value that was compared, if a comparison was made. */
  compared: z.string().optional(),
  recordedBy: z.string(),
  /** A file that shows it: a scanned letter, a mail. */
  file: z.object({ id: z.string(), name: z.string(), bytes: z.number().int(), sha256: z.string() }).optional(),
})
export type Provenance = z.infer<typeof Provenance>

export const TrustItem = z.object({
  id: z.string(),
  kind: TrustKind,
  label: z.string(),
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  /** `SHA256:…` (Base64) for SSH keys, `sha256:…` (lower-case hexadecimal) for certificates; `spki:…` for a pinned public key, upper-case hexadecimal for OpenPGP keys. */
  fingerprint: z.string(),
  /** SHA-256 of the public key, `spki:…`: the same for every certificate of one key pair. Certificates only. */
  keyId: z.string().nullable(),
  /** OpenSSH line or PEM; null when only a fingerprint is known. */
  publicKey: z.string().nullable(),
  hasPrivateKey: z.boolean(),
  notBefore: Timestamp.nullable(),
  notAfter: Timestamp.nullable(),
  state: z.enum(['active', 'retired']),
  createdAt: Timestamp,
  /** What stands in the certificate; null for other kinds, and while only a fingerprint is known. */
  x509: X509Details.nullable(),
  /** User IDs and subkeys of an OpenPGP key; null for other kinds. */
  pgp: PgpDetails.nullable(),
  /**
   * How sure it is that it is genuine: `own` (made here, or its private key is), `confirmed` by a person over a second channel,
   * `first-use` (trusted as presented, never compared), `unconfirmed`.
   */
  assurance: Assurance,
  provenance: z.array(Provenance),
  bindings: z.array(Binding),
})
export type TrustItem = z.infer<typeof TrustItem>

/** An item with what it can be used for, as of now. */
export const TrustItemDetail = TrustItem.extend({ fitness: z.array(RoleFitness) })
export type TrustItemDetail = z.infer<typeof TrustItemDetail>

/** Without a partner: our station's, for every partner that has none of its own. */
const BindTarget = z.object({ partner: Slug.optional(), connection: Slug.optional(), role: Role })

/** What an import would make. Nothing is stored. */
export const PreviewItem = z.object({
  kind: TrustKind,
  label: z.string(),
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  fingerprint: z.string(),
  hasPrivateKey: z.boolean(),
  notBefore: Timestamp.nullable(),
  notAfter: Timestamp.nullable(),
  x509: X509Details.nullable(),
  pgp: PgpDetails.nullable(),
  fitness: z.array(RoleFitness),
  /** What is worth knowing whatever it is used for: a test key of a product, a key that another item has too. */
  remarks: z.array(FitnessProblem),
  /** The item that it is in the inventory already, and what the import would add to it. */
  known: z.object({ id: z.string(), label: z.string(), state: z.enum(['active', 'retired']), adds: z.array(z.enum(['private-key', 'chain', 'renewal'])) }).nullable(),
})
export type PreviewItem = z.infer<typeof PreviewItem>

/** Parts of a certificate's subject. */
const Subject = z.object({
  commonName: z.string().min(1).max(64),
  organization: z.string().max(64).optional(),
  organizationalUnit: z.string().max(64).optional(),
  locality: z.string().max(128).optional(),
  state: z.string().max(128).optional(),
  country: z.string().regex(/^[A-Za-z]{2}$/, 'write the two-letter code, like DE').optional(),
  email: z.email().max(128).optional(),
})

const GenerateInput = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ssh'), algorithm: z.enum(['ed25519', 'rsa-3072', 'rsa-4096']).default('ed25519'), label: z.string().min(1).max(200) }),
  z.object({
    kind: z.literal('x509'),
    subject: Subject,
    key: z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256']).default('rsa-3072'),
    /** Valid for so many days from now. */
    days: z.number().int().min(1).max(7300).default(1095),
    /** DNS names, IP addresses or e-mail addresses. */
    altNames: z.array(z.string().min(1).max(253)).max(50).default([]),
    label: z.string().min(1).max(200).optional(),
    bind: z.array(BindTarget).max(20).default([]),
  }),
  z.object({
    kind: z.literal('pgp'),
    name: z.string().min(1).max(200),
    email: z.email().max(200).optional(),
    algorithm: z.enum(['ed25519', 'rsa-3072', 'rsa-4096']).default('ed25519'),
    /** Left out: it does not expire. */
    days: z.number().int().min(1).max(7300).optional(),
    label: z.string().min(1).max(200).optional(),
    bind: z.array(BindTarget).max(20).default([]),
  }),
])

/** As `ssh-keygen -l` prints it, blanks around it ignored. */
const Fingerprint = z
  .string()
  .trim()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be SHA256: and 43 characters, as OpenSSH prints it')

export const trust = {
  list: procedure(
    'read',
    z.object({ limit: Limit, offset: z.number().int().min(0).max(1_000_000).optional(), sort: z.enum(['newest', 'name', 'ends', 'kind']).optional(), kind: TrustKind.optional(), partner: Slug.optional(), search: z.string().max(200).optional() }),
    z.object({ items: z.array(TrustItem), total: z.number().int() }),
  ),
  show: procedure('read', z.object({ id: z.string().max(100) }), TrustItemDetail),
  /** What `import` would make of a file, what that could be used for, and what is wrong with it. */
  preview: procedure(
    'read',
    z.object({ source: FileSource, kind: z.enum(['x509', 'ca']).optional(), passphrase: z.string().max(1024).optional() }),
    z.object({ format: z.string(), items: z.array(PreviewItem) }),
  ),
  /**
   * Detects the format; binds when targets are given. A private key is sealed before anything is answered. `kind` settles what a
   * self-signed certificate is that could be either.
   */
  import: procedure(
    'dangerous',
    z.object({
      source: FileSource,
      kind: z.enum(['x509', 'ca']).optional(),
      label: z.string().max(200).optional(),
      passphrase: z.string().max(1024).optional(),
      bind: z.array(BindTarget).max(20).default([]),
      provenance: ProvenanceInput.optional(),
    }),
    z.object({ items: z.array(TrustItem), created: z.number().int() }),
  ),
  generate: procedure('dangerous', GenerateInput, TrustItem),
  bind: procedure(
    'dangerous',
    BindTarget.extend({ item: z.string().max(100), activeFrom: Timestamp.optional(), activeUntil: Timestamp.optional() }),
    TrustItem,
  ),
  unbind: procedure('dangerous', z.object({ binding: z.string().max(100) }), TrustItem),
  /** Refused while bound (`input.in_use`, the details list what relies on it). */
  retire: procedure('dangerous', z.object({ id: z.string().max(100), reason: z.string().max(500).optional() }), TrustItem),
  /** For what was imported by mistake: refused while bound, and for what was ever bound (retire that: what it did must stay explainable). */
  remove: procedure('dangerous', z.object({ id: z.string().max(100), reason: z.string().max(500).optional() }), z.object({ id: z.string() })),
  /**
   * In an emergency: every binding ends at once and the item is retired. Answers what that stops, which is what `whatIf` predicts without a
   * date.
   */
  revoke: procedure('dangerous', z.object({ id: z.string().max(100), reason: z.string().min(5).max(500), confirmed: z.literal(true) }), z.object({ item: TrustItem, consequences: z.array(Consequence) })),
  /** Adds a statement on how the item is known, with a file that shows it (1 MiB at most, 20 an item). */
  attach: procedure('dangerous', z.object({ id: z.string().max(100), source: FileSource, provenance: ProvenanceInput }), TrustItem),
  attachment: procedure('read', z.object({ id: z.string().max(100), file: z.string().max(100) }), z.object({ fileName: z.string(), text: z.string(), encoding: z.literal('base64') })),
  /** The public part. `pem` is the usual text of each kind; `der` and `p7b` (with the chain) are for certificates and come in Base64. */
  export: procedure(
    'read',
    z.object({ id: z.string().max(100), format: z.enum(['pem', 'der', 'p7b']).default('pem') }),
    z.object({ fileName: z.string(), text: z.string(), encoding: z.enum(['text', 'base64']) }),
  ),
  ...trustInsights,
  /**
   * Notes that a person compared the item over a second channel: `compared` is the fingerprint that was told (any form of SHA-256 or SHA-1
   * that people read out). Rejects with `trust.differs` when it is another one.
   */
  confirm: procedure(
    'dangerous',
    z.object({ id: z.string().max(100), compared: z.string().min(8).max(300), source: z.enum(['phone', 'mail', 'portal', 'in-person', 'other']), person: z.string().min(1).max(200), note: z.string().max(1000).optional() }),
    TrustItem,
  ),
  /** A certificate request (PKCS#10, PEM) for the key of a certificate that is here; its answer is installed by importing it. */
  request: procedure('dangerous', z.object({ id: z.string().max(100) }), z.object({ fileName: z.string(), text: z.string() })),
  /**
   * The private half in a container under a password: PKCS#12 for certificates, PKCS#8 for SSH keys, armour for OpenPGP. The only way out
   * for a private key; it stands in the audit trail.
   */
  exportPrivate: procedure(
    'dangerous',
    z.object({ id: z.string().max(100), password: z.string().min(12, 'use at least 12 characters').max(1024), reason: z.string().min(5).max(500), confirmed: z.literal(true) }),
    z.object({ fileName: z.string(), text: z.string(), encoding: z.enum(['text', 'base64']) }),
  ),
  /**
   * The explicit act that trusts a host key: connects, takes the key that the server presents, and pins it only if it is the one that was
   * compared (`fingerprint`). `replace` ends the bindings of the earlier keys.
   */
  pinHostKey: procedure(
    'dangerous',
    z.object({ partner: Slug, connection: Slug.optional(), fingerprint: Fingerprint, provenance: ProvenanceInput, replace: z.boolean().default(false) }),
    TrustItem,
  ),
  /**
   * The same for a TLS server's certificate: `sha256:` and hex pins the certificate, `spki:` and Base64 its public key, which may
   * outlive a renewal. Refused where the connection trusts authorities and a pin would not help.
   */
  pinCertificate: procedure(
    'dangerous',
    z.object({ partner: Slug, connection: Slug.optional(), fingerprint: z.string().max(120), provenance: ProvenanceInput, replace: z.boolean().default(false) }),
    TrustItem,
  ),
  changed: topic(z.object({ id: z.string() })),
} as const
