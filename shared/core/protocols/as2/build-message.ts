/** From what is agreed on a connection to what the message layer builds. Pure. */
import type { As2Connection } from '../../../contract/connections/as2.ts'
import type { Allowances, ByteSource, DecryptionKey, DigestName, EncryptionRecipient, KeyTransport, SigningKey, TrustedSigner } from '../../crypto/cms/index.ts'
import { AppError } from '../../kernel/errors.ts'
import type { BuildOptions, BuildQuirks, MdnQuirks, OpenPolicy, ReceiptOptions } from './message/index.ts'

/** The certificates that are bound now, with our private halves; those that are not fit are left out. */
export interface As2Keys {
  readonly sign: SigningKey | null
  /** The partner's. */
  readonly encrypt: TrustedSigner | null
  readonly verify: readonly TrustedSigner[]
  readonly decrypt: readonly DecryptionKey[]
}

/** Who we are on a connection. */
export interface As2Identity {
  readonly id: string
  readonly email: string | undefined
  /** Where partners reach our receiver. */
  readonly receiptUrl: string | undefined
  /** `name/version`. */
  readonly product: string
}

/** The weak things that dated exceptions permit. */
export function allowancesOf(tolerated: readonly string[]): Allowances {
  const has = (name: string): boolean => tolerated.includes(name)
  return {
    ...(has('cms-sha1') ? { sha1: true } : {}),
    ...(has('cms-md5') ? { md5: true } : {}),
    ...(has('cms-3des') ? { tripleDes: true } : {}),
    ...(has('rsa-1024') ? { minRsaBits: 1024 } : {}),
  }
}

/** Rejects with `as2.algorithm_refused` what no exception permits. */
export function checkAlgorithms({ message }: As2Connection, tolerated: readonly string[]): void {
  if (message.digest === 'sha1' && !tolerated.includes('cms-sha1')) throw new AppError('as2.algorithm_refused', 'the connection signs with SHA-1', { details: { algorithm: 'sha1', exception: 'cms-sha1' } })
  if (message.encrypt && message.cipher === 'des-ede3-cbc' && !tolerated.includes('cms-3des'))
    throw new AppError('as2.algorithm_refused', 'the connection encrypts with Triple DES', { details: { algorithm: 'des-ede3-cbc', exception: 'cms-3des' } })
}

const TRANSPORTS: Readonly<Record<As2Connection['message']['keyTransport'], KeyTransport>> = {
  'rsaes-pkcs1': { scheme: 'rsaes-pkcs1' },
  'rsaes-oaep-sha1': { scheme: 'rsaes-oaep', hash: 'sha1' },
  'rsaes-oaep-sha256': { scheme: 'rsaes-oaep', hash: 'sha256' },
  'rsaes-oaep-sha512': { scheme: 'rsaes-oaep', hash: 'sha512' },
}

export interface OutgoingFile {
  readonly source: ByteSource
  readonly name: string
  readonly contentType: string
  /** When they are known already: then they need not be found out. */
  readonly known?: { readonly sha256: string; readonly bytes: number }
}

export interface OutgoingContext {
  readonly connection: As2Connection
  readonly identity: As2Identity
  readonly keys: As2Keys
  readonly tolerated: readonly string[]
  readonly messageId: string
  readonly date: Date
}

/** Several files become the attachments of one message (RFC 6362). Rejects with `as2.certificate_missing`, `as2.algorithm_refused` or `as2.not_agreed`. */
export function buildOptionsOf(files: readonly OutgoingFile[], context: OutgoingContext): BuildOptions {
  const { connection, identity, keys, tolerated } = context
  const { message, quirks } = connection
  checkAlgorithms(connection, tolerated)
  const receipt = receiptOptionsOf(connection, identity)
  return {
    as2From: identity.id,
    as2To: connection.as2Id,
    messageId: context.messageId,
    date: context.date,
    subject: message.subject ?? 'Business document',
    ...(identity.email === undefined ? {} : { from: identity.email }),
    userAgent: identity.product,
    payloads: files.map(({ source, contentType, name, known }) => ({ source, contentType, ...known, ...(quirks.omitFileName ? {} : { fileName: name }) })),
    ...(message.sign ? { sign: { signer: need(keys.sign, 'sign'), digest: message.digest, ...(schemeOf(message.signature, need(keys.sign, 'sign'))) } } : {}),
    ...(message.compress === 'none' ? {} : { compress: { when: message.compress } }),
    ...(message.encrypt ? { encrypt: encryptLayer(connection, keys) } : {}),
    ...(receipt === null ? {} : { receipt }),
    quirks: buildQuirksOf(connection),
    allow: allowancesOf(tolerated),
  }
}

function schemeOf(signature: As2Connection['message']['signature'], { certificate }: SigningKey): { scheme?: 'rsa-pss' } {
  return signature === 'rsa-pss' && certificate.keyType !== 'ec' ? { scheme: 'rsa-pss' } : {}
}

function encryptLayer({ message }: As2Connection, keys: As2Keys): NonNullable<BuildOptions['encrypt']> {
  const transport = TRANSPORTS[message.keyTransport]
  const recipient = (certificate: EncryptionRecipient['certificate']): EncryptionRecipient => ({ certificate, transport })
  const own = message.copyToSelf ? need(keys.decrypt[0] ?? null, 'decrypt') : null
  return { recipients: [recipient(need(keys.encrypt, 'encrypt').certificate)], cipher: message.cipher, ...(own === null ? {} : { originatorCopy: recipient(own.certificate) }) }
}

function receiptOptionsOf({ receipt, message, quirks }: As2Connection, identity: As2Identity): ReceiptOptions | null {
  if (receipt.request === 'none') return null
  const url = receipt.url ?? identity.receiptUrl
  if (receipt.mode === 'async' && url === undefined) throw new AppError('as2.not_agreed', 'asynchronous receipts need the address of our receiver, and the station names none')
  return {
    signed: receipt.request === 'signed',
    to: identity.email ?? identity.id,
    micAlgorithms: [message.digest],
    spelling: quirks.oldDigestNames ? 'old' : 'standard',
    ...(receipt.mode === 'async' && url !== undefined ? { asyncUrl: url } : {}),
  }
}

function buildQuirksOf({ quirks }: As2Connection): Partial<BuildQuirks> {
  return {
    signatureEncoding: quirks.base64Signature ? 'base64' : 'binary',
    micSpelling: quirks.oldDigestNames ? 'old' : 'standard',
    algorithmProtection: quirks.algorithmProtection,
    fileNameStyle: quirks.omitFileName ? 'none' : quirks.plainFileName ? 'bare' : 'quoted',
  }
}

/** How our receipts are written for a partner. */
export function mdnQuirksOf({ quirks }: As2Connection, modern: boolean): Partial<MdnQuirks> {
  return {
    signatureEncoding: quirks.base64Signature ? 'base64' : 'binary',
    micSpelling: quirks.oldDigestNames ? 'old' : 'standard',
    algorithmProtection: quirks.algorithmProtection,
    modernModifiers: modern,
  }
}

/** What a received message must be. */
export function openPolicyOf(connection: As2Connection, keys: As2Keys, tolerated: readonly string[], at: Date): OpenPolicy {
  const { inbound, quirks } = connection
  return {
    decryptWith: keys.decrypt,
    trusted: keys.verify,
    requireSignature: inbound.requireSigned,
    requireEncryption: inbound.requireEncrypted,
    allow: allowancesOf(tolerated),
    defaultMicAlgorithm: quirks.unsignedMicDigest,
    micOfCompressed: quirks.compressedOnlyMic,
    limits: { maxInflated: inbound.maxBytes, maxPayload: inbound.maxBytes },
    at,
  }
}

/** The digest under which our receipts are signed: as strong as what was asked for, never weaker than SHA-256 without an exception. */
export function receiptDigest(asked: DigestName | undefined, allow: Allowances): DigestName {
  if (asked === undefined || asked === 'md5') return 'sha256'
  return asked === 'sha1' && allow.sha1 !== true ? 'sha256' : asked
}

function need<T>(material: T | null, role: string): T {
  if (material === null) throw new AppError('as2.certificate_missing', `no fit certificate is bound in the role ${role}`, { details: { role } })
  return material
}

const TYPES: Readonly<Record<string, string>> = {
  edi: 'application/edi-x12',
  x12: 'application/edi-x12',
  edifact: 'application/edifact',
  edf: 'application/edifact',
  xml: 'application/xml',
  json: 'application/json',
  csv: 'text/csv',
  txt: 'text/plain',
  pdf: 'application/pdf',
  zip: 'application/zip',
}

/** By what an interchange begins with, else by the ending of the name; unknown ones are bytes. */
export function contentTypeOf(name: string, start: Uint8Array): string {
  const opening = Buffer.from(start.subarray(0, 16)).toString('latin1')
  if (/^\s*(UNA|UNB\+)/.test(opening)) return 'application/edifact'
  if (/^\s*ISA[^A-Za-z0-9]/.test(opening)) return 'application/edi-x12'
  return TYPES[/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}
