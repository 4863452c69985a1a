/** The inventory: what each relationship rests on, how we know it is genuine, and what uses it. */
import { z } from 'zod'
import { FileSource, Limit, Slug, Timestamp } from './common.ts'
import { procedure, topic } from './define.ts'
import { ProvenanceInput } from './connections/common.ts'

/** `ssh-ca`: a key that signs host certificates. `ssh-revoked`: a host key or authority that must never be accepted. */
export const TrustKind = z.enum(['ssh-host', 'ssh-ca', 'ssh-revoked', 'ssh-client', 'x509', 'ca', 'pgp'])
export type TrustKind = z.infer<typeof TrustKind>

export const Role = z.enum([
  'sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server',
  'ssh-host', 'ssh-jump', 'ssh-client', 'pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt',
])
export type Role = z.infer<typeof Role>

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
})
export type Provenance = z.infer<typeof Provenance>

export const TrustItem = z.object({
  id: z.string(),
  kind: TrustKind,
  label: z.string(),
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  /** `SHA256:…` for SSH keys. */
  fingerprint: z.string(),
  /** OpenSSH line or PEM; null when only a fingerprint is known. */
  publicKey: z.string().nullable(),
  hasPrivateKey: z.boolean(),
  notBefore: Timestamp.nullable(),
  notAfter: Timestamp.nullable(),
  state: z.enum(['active', 'retired']),
  createdAt: Timestamp,
  provenance: z.array(Provenance),
  bindings: z.array(Binding),
})
export type TrustItem = z.infer<typeof TrustItem>

const BindTarget = z.object({ partner: Slug.optional(), connection: Slug.optional(), role: Role })

export const trust = {
  list: procedure(
    'read',
    z.object({ limit: Limit, kind: TrustKind.optional(), partner: Slug.optional(), search: z.string().max(200).optional() }),
    z.object({ items: z.array(TrustItem), total: z.number().int() }),
  ),
  show: procedure('read', z.object({ id: z.string().max(100) }), TrustItem),
  /** Detects the format; binds when targets are given. A private key is sealed before anything is answered. */
  import: procedure(
    'dangerous',
    z.object({
      source: FileSource,
      label: z.string().max(200).optional(),
      passphrase: z.string().max(1024).optional(),
      bind: z.array(BindTarget).max(20).default([]),
      provenance: ProvenanceInput.optional(),
    }),
    z.object({ items: z.array(TrustItem), created: z.number().int() }),
  ),
  generate: procedure(
    'dangerous',
    z.object({ kind: z.enum(['ssh']), algorithm: z.enum(['ed25519', 'rsa-3072', 'rsa-4096']).default('ed25519'), label: z.string().min(1).max(200) }),
    TrustItem,
  ),
  bind: procedure(
    'dangerous',
    BindTarget.extend({ item: z.string().max(100), activeFrom: Timestamp.optional(), activeUntil: Timestamp.optional() }),
    TrustItem,
  ),
  unbind: procedure('dangerous', z.object({ binding: z.string().max(100) }), TrustItem),
  /** Refused while bound (`input.in_use`, the details list what relies on it). */
  retire: procedure('dangerous', z.object({ id: z.string().max(100), reason: z.string().max(500).optional() }), TrustItem),
  /** The public part as text. */
  export: procedure('read', z.object({ id: z.string().max(100) }), z.object({ fileName: z.string(), text: z.string() })),
  /**
   * The explicit act that trusts a host key: connects, takes the key that the server presents, and pins it only if it is the one that was
   * compared (`fingerprint`). `replace` ends the bindings of the earlier keys.
   */
  pinHostKey: procedure(
    'dangerous',
    z.object({ partner: Slug, connection: Slug.optional(), fingerprint: z.string().max(100), provenance: ProvenanceInput, replace: z.boolean().default(false) }),
    TrustItem,
  ),
  changed: topic(z.object({ id: z.string() })),
} as const
