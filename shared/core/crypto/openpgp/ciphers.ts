/** The symmetric ciphers and AEAD modes of messages (RFC 9580 9.3, 9.6), as far as the runtime has them. */
import { AppError } from '../../kernel/errors.ts'

export type ContentCipher = 'aes128' | 'aes192' | 'aes256' | '3des'
export type AeadMode = 'ocb' | 'gcm'

export interface CipherSpec {
  readonly name: ContentCipher
  readonly id: number
  readonly keyBytes: number
  readonly blockBytes: number
  /** The runtime's name in CFB mode. */
  readonly cfb: string
}

const CIPHERS: readonly CipherSpec[] = [
  { name: '3des', id: 2, keyBytes: 24, blockBytes: 8, cfb: 'des-ede3-cfb' },
  { name: 'aes128', id: 7, keyBytes: 16, blockBytes: 16, cfb: 'aes-128-cfb' },
  { name: 'aes192', id: 8, keyBytes: 24, blockBytes: 16, cfb: 'aes-192-cfb' },
  { name: 'aes256', id: 9, keyBytes: 32, blockBytes: 16, cfb: 'aes-256-cfb' },
]

/** Weak or absent in the runtime; none of them can be read, with or without an exception. */
const OTHERS: Readonly<Record<number, string>> = { 0: 'no encryption', 1: 'IDEA', 3: 'CAST5', 4: 'Blowfish', 10: 'Twofish', 11: 'Camellia-128', 12: 'Camellia-192', 13: 'Camellia-256' }

export const AES256: CipherSpec = cipherById(9)
export const AES128: CipherSpec = cipherById(7)

/** Throws `pgp.weak_algorithm` or `pgp.unsupported`. */
export function cipherById(id: number): CipherSpec {
  const found = CIPHERS.find((cipher) => cipher.id === id)
  if (found !== undefined) return found
  const name = OTHERS[id] ?? `number ${id}`
  const weak = [0, 1, 3, 4].includes(id)
  throw new AppError(weak ? 'pgp.weak_algorithm' : 'pgp.unsupported', `the content is encrypted with ${name}, which is ${weak ? 'too weak' : 'not supported'}`, { details: { cipher: name } })
}

export interface AeadSpec {
  readonly name: AeadMode
  readonly id: number
  readonly nonceBytes: number
}

export const OCB: AeadSpec = { name: 'ocb', id: 2, nonceBytes: 15 }
export const GCM: AeadSpec = { name: 'gcm', id: 3, nonceBytes: 12 }

/** Throws `pgp.unsupported`: the runtime has no EAX. */
export function aeadById(id: number): AeadSpec {
  if (id === OCB.id) return OCB
  if (id === GCM.id) return GCM
  throw new AppError('pgp.unsupported', `the AEAD mode ${id === 1 ? 'EAX' : `number ${id}`} is not supported`)
}
