/** What stands inside a trust item, and what it is fit for. */
import { z } from 'zod'
import { Timestamp } from './common.ts'
import { Role } from './trust-words.ts'

/** The facts of one certificate. Fingerprints and numbers are lower-case hexadecimal. */
export const CertificateFacts = z.object({
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  notBefore: Timestamp,
  notAfter: Timestamp,
  sha256: z.string(),
  sha1: z.string(),
})
export type CertificateFacts = z.infer<typeof CertificateFacts>

export const X509Details = CertificateFacts.extend({
  commonName: z.string().nullable(),
  /** Issuer and subject are the same. */
  selfSigned: z.boolean(),
  isCa: z.boolean(),
  keyType: z.enum(['rsa', 'rsa-pss', 'ec', 'other']),
  /** Names of RFC 5280 (`digitalSignature` …); null when the certificate does not limit them. */
  keyUsage: z.array(z.string()).nullable(),
  /** `serverAuth`, `clientAuth`, `emailProtection`, `any`, else the object identifier; null when not limited. */
  extendedKeyUsage: z.array(z.string()).nullable(),
  /** `dns:…`, `email:…`, `ip:…`, `uri:…`. */
  altNames: z.array(z.string()),
  /** How the issuer signed: `sha256WithRSA` …, else the object identifier. */
  signature: z.string(),
  /** The certificates above it that came along, nearest first. */
  chain: z.array(CertificateFacts),
})
export type X509Details = z.infer<typeof X509Details>

/** The primary key of an OpenPGP key, or a subkey. Fingerprints are upper-case hexadecimal. */
export const PgpPart = z.object({
  fingerprint: z.string(),
  keyId: z.string(),
  primary: z.boolean(),
  algorithm: z.string(),
  bits: z.number().int().nullable(),
  curve: z.string().nullable(),
  created: Timestamp,
  expires: Timestamp.nullable(),
  capabilities: z.array(z.enum(['certify', 'sign', 'encrypt', 'authenticate'])),
  revoked: z.object({ reason: z.enum(['none', 'superseded', 'compromised', 'retired', 'user-id-invalid']), text: z.string(), at: Timestamp }).nullable(),
  secret: z.enum(['none', 'stub', 'protected', 'open']),
  /** What is wrong with it at any time. */
  defect: z.string().nullable(),
})
export type PgpPart = z.infer<typeof PgpPart>

export const PgpDetails = z.object({
  version: z.number().int(),
  /** The primary one first. */
  userIds: z.array(z.object({ text: z.string(), valid: z.boolean(), revoked: z.boolean() })),
  /** The primary key first. */
  parts: z.array(PgpPart),
  /** What the owner's program says it can read: GnuPG's AEAD packets, integrity protection of version 2, algorithm numbers of RFC 9580. */
  preferences: z.object({
    aead: z.boolean(),
    seipdV2: z.boolean(),
    ciphers: z.array(z.number().int()),
    hashes: z.array(z.number().int()),
    compressions: z.array(z.number().int()),
    cipherSuites: z.array(z.array(z.number().int())),
  }),
  hasSecret: z.boolean(),
  isProtected: z.boolean(),
  warnings: z.array(z.string()),
})
export type PgpDetails = z.infer<typeof PgpDetails>

/** Something that speaks against an item in a role. An error forbids the binding, a warning is shown. */
export const FitnessProblem = z.object({ severity: z.enum(['error', 'warning']), code: z.string(), message: z.string() })
export type FitnessProblem = z.infer<typeof FitnessProblem>

/** One role that an item of this kind can have. It is fit when there is no error. */
export const RoleFitness = z.object({ role: Role, problems: z.array(FitnessProblem) })
export type RoleFitness = z.infer<typeof RoleFitness>

export const Assurance = z.enum(['own', 'confirmed', 'unconfirmed', 'first-use'])
export type Assurance = z.infer<typeof Assurance>
