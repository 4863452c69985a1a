/** SSH public keys: one line as OpenSSH writes it, and the wire blob behind it (RFC 4253 §6.6). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { wireReader } from './wire.ts'

export interface SshPublicKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` … */
  readonly algorithm: string
  /** Null where the kind of key has no size of interest. */
  readonly bits: number | null
  /** `SHA256:…` as OpenSSH prints it. */
  readonly fingerprint: string
  /** `ssh-ed25519 AAAA…`, without comment. */
  readonly publicKey: string
  readonly comment?: string
}

const MOST_BLOB_BYTES = 16 * 1024

/** What must follow the name; one field in kinds that we do not know. A line that is cut between two would be read as another key. */
const LEAST_FIELDS: Readonly<Record<string, number>> = { 'ssh-rsa': 2, 'ssh-dss': 4, 'ecdsa-sha2-nistp256': 2, 'ecdsa-sha2-nistp384': 2, 'ecdsa-sha2-nistp521': 2 }

const EC_BITS: Readonly<Record<string, number>> = { 'ecdsa-sha2-nistp256': 256, 'ecdsa-sha2-nistp384': 384, 'ecdsa-sha2-nistp521': 521 }

/** `SHA256:` and the hash in base64 without padding. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** Describes a wire blob. Rejects with `key.malformed`. */
export function describeBlob(blob: Buffer): SshPublicKey {
  const [name = Buffer.alloc(0), ...fields] = fieldsOf(blob)
  const algorithm = name.toString('latin1')
  if (!/^[a-z0-9@.-]{3,64}$/.test(algorithm)) throw new AppError('key.malformed', 'the key does not say of which kind it is')
  if (fields.length < (LEAST_FIELDS[algorithm] ?? 1) || fields[0]?.length === 0) throw new AppError('key.malformed', `the ${algorithm} key is cut off`)
  return { algorithm, bits: bitsOf(algorithm, fields), fingerprint: fingerprintOf(blob), publicKey: `${algorithm} ${blob.toString('base64')}` }
}

/** Reads `ssh-ed25519 AAAA… comment`. Rejects with `key.malformed`. */
export function readPublicKey(line: string): SshPublicKey {
  const [, algorithm = '', base64 = '', comment = ''] = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(line.trim()) ?? []
  const blob = Buffer.from(base64, 'base64')
  if (blob.length === 0) throw new AppError('key.malformed', 'a public key is one line: kind, key, comment')
  const key = describeBlob(blob)
  if (key.algorithm !== algorithm) throw new AppError('key.malformed', `the line says ${algorithm.slice(0, 40)}, the key in it ${key.algorithm}`)
  return comment === '' ? key : { ...key, comment }
}

/** A pin of which only the fingerprint is known; its kind shows when it is first seen. */
export function describeFingerprint(text: string): Pick<SshPublicKey, 'algorithm' | 'bits' | 'fingerprint'> {
  const fingerprint = text.trim().replace(/=+$/, '')
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(fingerprint)) throw new AppError('key.malformed', 'a fingerprint is SHA256: and 43 characters')
  return { algorithm: 'unknown', bits: null, fingerprint }
}

const CURVES: Readonly<Record<string, { readonly jwk: string; readonly bytes: number }>> = {
  'ecdsa-sha2-nistp256': { jwk: 'P-256', bytes: 32 },
  'ecdsa-sha2-nistp384': { jwk: 'P-384', bytes: 48 },
  'ecdsa-sha2-nistp521': { jwk: 'P-521', bytes: 66 },
}

/** The runtime's form of a wire blob, to verify with. Rejects with `key.unsupported` or `key.malformed`. */
export function publicKeyObject(blob: Buffer): KeyObject {
  const reader = wireReader(blob)
  const algorithm = reader.text()
  const digits = (bytes: Buffer): string => bytes.toString('base64url')
  try {
    if (algorithm === 'ssh-ed25519') return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: digits(reader.string()) } })
    if (algorithm === 'ssh-rsa') {
      const e = digits(reader.mpint())
      return createPublicKey({ format: 'jwk', key: { kty: 'RSA', e, n: digits(reader.mpint()) } })
    }
    const curve = CURVES[algorithm]
    if (curve !== undefined) {
      reader.string()
      const point = reader.string()
      // Uncompressed only, as OpenSSH has it (RFC 5656 §3.1).
      if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) throw new AppError('key.malformed', 'the key is not a point on its curve')
      return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: curve.jwk, x: digits(point.subarray(1, 1 + curve.bytes)), y: digits(point.subarray(1 + curve.bytes)) } })
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('key.malformed', `the ${algorithm} key cannot be right`, { cause: error })
  }
  throw new AppError('key.unsupported', `keys of the kind ${algorithm.slice(0, 60)} are not read`)
}

function bitsOf(algorithm: string, fields: readonly Buffer[]): number | null {
  if (algorithm === 'ssh-ed25519') return 256
  if (algorithm === 'ssh-rsa') return bitLength(fields[1])
  if (algorithm === 'ssh-dss') return bitLength(fields[0])
  return EC_BITS[algorithm] ?? null
}

/** Of an mpint (RFC 4251 §5). */
function bitLength(number: Buffer | undefined): number | null {
  const digits = number?.toString('hex').replace(/^0+/, '') ?? ''
  return digits === '' ? null : (digits.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(digits.charAt(0), 16)))
}

/** The length-prefixed fields of a blob. */
function fieldsOf(blob: Buffer): Buffer[] {
  if (blob.length > MOST_BLOB_BYTES) throw new AppError('key.malformed', 'the key is too large')
  const fields: Buffer[] = []
  for (let at = 0; at < blob.length; ) {
    const length = at + 4 <= blob.length ? blob.readUInt32BE(at) : Number.POSITIVE_INFINITY
    if (at + 4 + length > blob.length) throw new AppError('key.malformed', 'the key is cut off')
    fields.push(blob.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return fields
}
