/** SSH private keys in every form that partners and operators have, protected ones too. What is kept is OpenSSH's form, unprotected, to be sealed. */
import { createPrivateKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { ssh2 } from './library.ts'
import { cipherOf, openSshTextOf } from './openssh-format.ts'
import { isPpk, readPpk } from './ppk.ts'
import { describeBlob, publicKeyObject, type SshPublicKey } from './public-key.ts'

export type SshKeyAlgorithm = 'ed25519' | 'rsa-3072' | 'rsa-4096'

/** A key pair; `privateKey` is unprotected text in OpenSSH's form. */
export type SshKeyPair = SshPublicKey & { readonly privateKey: string }

const LEAST_RSA_BITS = 2048

/**
 * Reads OpenSSH's own form, PEM (PKCS#1, SEC1, PKCS#8) and PuTTY's files of version 2 and 3. Rejects with `key.passphrase_needed`,
 * `key.wrong_passphrase`, `key.damaged`, `key.unsupported`, `key.malformed` or `key.weak`.
 */
export function readPrivateKey(content: string | Buffer, passphrase?: string): SshKeyPair {
  const text = typeof content === 'string' ? content : content.toString('utf8')
  const pair = isPpk(text) ? readSsh(readPpk(content, passphrase), undefined) : isPkcs8(text) ? readPkcs8(text, passphrase) : readSsh(text, passphrase)
  if (pair.algorithm === 'ssh-dss') throw new AppError('key.weak', 'DSA keys are not accepted')
  if (pair.algorithm === 'ssh-rsa' && (pair.bits ?? 0) < LEAST_RSA_BITS) throw new AppError('key.weak', `the RSA key has ${pair.bits ?? 0} bits`)
  return pair
}

export function generateSshKey(algorithm: SshKeyAlgorithm, comment: string): SshKeyPair {
  // Not by the library's own generator: of two hundred Ed25519 keys it writes one without a leading zero byte, and cannot read it again.
  const { privateKey } = algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: algorithm === 'rsa-3072' ? 3072 : 4096 })
  return readSsh(openSshTextOf(privateKey, comment), undefined)
}

function readSsh(text: string, passphrase: string | undefined): SshKeyPair {
  const parsed = ssh2().utils.parseKey(text, passphrase)
  // The library takes what this cipher has protected for damage.
  if (parsed instanceof Error && cipherOf(text).startsWith('chacha20')) throw new AppError('key.unsupported', `keys protected by ${cipherOf(text)} are not read`)
  if (parsed instanceof Error) throw explained(parsed.message, passphrase)
  // OpenSSH's format may hold several keys; the first is the one that its own tools use.
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (key === undefined || key instanceof Error || !key.isPrivateKey()) throw new AppError('key.malformed', 'the file holds no private key')
  const described = describeBlob(key.getPublicSSH())
  if (described.algorithm === 'ssh-dss') return { ...described, privateKey: '' }
  const object = createPrivateKey(key.getPrivatePEM())
  if (!belongTogether(object, key.getPublicSSH())) throw new AppError('key.damaged', 'the private part of the key does not belong to its public part')
  const comment = key.comment ?? ''
  return { ...described, privateKey: openSshTextOf(object, comment), ...(comment === '' ? {} : { comment }) }
}

/** The two parts are separate in most forms, and the checksum of an unprotected file can be made by anybody. */
function belongTogether(key: KeyObject, publicBlob: Buffer): boolean {
  const probe = Buffer.from('does the private part belong to the public one?')
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  try {
    return verify(hash, probe, publicKeyObject(publicBlob), sign(hash, probe, key))
  } catch {
    return false
  }
}

function isPkcs8(text: string): boolean {
  return /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)
}

/** PKCS#8 is read by the runtime, because the SSH library does not know it. */
function readPkcs8(text: string, passphrase: string | undefined): SshKeyPair {
  let key: KeyObject
  try {
    key = createPrivateKey(passphrase === undefined ? { key: text } : { key: text, passphrase })
  } catch (error) {
    throw explained(error instanceof Error ? error.message : '', passphrase, text.includes('ENCRYPTED'))
  }
  return readSsh(openSshTextOf(key), undefined)
}

function explained(message: string, passphrase: string | undefined, encrypted = false): AppError {
  if (/no passphrase given|interrupted or cancelled|missing passphrase/i.test(message) || (encrypted && passphrase === undefined))
    return new AppError('key.passphrase_needed', 'the private key is protected')
  if (/bad passphrase|integrity check failed|bad decrypt|unable to authenticate data/i.test(message) || (encrypted && passphrase !== undefined))
    return new AppError('key.wrong_passphrase', 'the passphrase does not open the private key')
  if (/^unsupported (cipher|kdf|openssh (private )?key (type|magic))/i.test(message)) return new AppError('key.unsupported', message)
  return new AppError('key.malformed', 'the file is no SSH private key in OpenSSH, PEM or PuTTY form')
}
