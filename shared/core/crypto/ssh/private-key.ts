/** SSH private keys: OpenSSH's own format and PEM (PKCS#1, SEC1, PKCS#8), protected ones too. What is kept is unprotected text, to be sealed. */
import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import ssh2 from 'ssh2'
import { AppError } from '../../kernel/errors.ts'
import { describeBlob, type SshPublicKey } from './public-key.ts'

export type SshKeyAlgorithm = 'ed25519' | 'rsa-3072' | 'rsa-4096'

/** A key pair; `privateKey` is unprotected text in a form that the SSH library reads. */
export type SshKeyPair = SshPublicKey & { readonly privateKey: string }

const LEAST_RSA_BITS = 2048

/** Rejects with `key.passphrase_needed`, `key.wrong_passphrase`, `key.malformed` or `key.weak`. */
export function readPrivateKey(text: string, passphrase?: string): SshKeyPair {
  const isPkcs8 = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)
  const pair = isPkcs8 ? readPkcs8(text, passphrase) : readSsh(text, passphrase)
  if (pair.algorithm === 'ssh-dss') throw new AppError('key.weak', 'DSA keys are not accepted')
  if (pair.algorithm === 'ssh-rsa' && (pair.bits ?? 0) < LEAST_RSA_BITS) throw new AppError('key.weak', `the RSA key has ${pair.bits ?? 0} bits`)
  return pair
}

export function generateSshKey(algorithm: SshKeyAlgorithm, comment: string): SshKeyPair {
  const made =
    algorithm === 'ed25519'
      ? ssh2.utils.generateKeyPairSync('ed25519', { comment })
      : ssh2.utils.generateKeyPairSync('rsa', { bits: algorithm === 'rsa-3072' ? 3072 : 4096, comment })
  return readSsh(made.private, undefined)
}

function readSsh(text: string, passphrase: string | undefined): SshKeyPair {
  const parsed = ssh2.utils.parseKey(text, passphrase)
  if (parsed instanceof Error) throw explained(parsed.message, passphrase)
  // OpenSSH's format may hold several keys; the first is the one that its own tools use.
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (key === undefined || key instanceof Error || !key.isPrivateKey()) throw new AppError('key.malformed', 'the file holds no private key')
  const described = describeBlob(key.getPublicSSH())
  const pem = key.getPrivatePEM()
  // The library writes ed25519 keys as PKCS#8, which neither it nor OpenSSH reads back.
  const privateKey = described.algorithm === 'ssh-ed25519' ? openSshEd25519(createPrivateKey(pem)) : pem
  return { ...described, privateKey, ...(key.comment ? { comment: key.comment } : {}) }
}

/** PKCS#8 is read by the runtime and handed on in the older forms, because the SSH library does not know it. */
function readPkcs8(text: string, passphrase: string | undefined): SshKeyPair {
  let key: KeyObject
  try {
    key = createPrivateKey(passphrase === undefined ? { key: text } : { key: text, passphrase })
  } catch (error) {
    throw explained(error instanceof Error ? error.message : '', passphrase, text.includes('ENCRYPTED'))
  }
  if (key.asymmetricKeyType === 'rsa') return readSsh(key.export({ type: 'pkcs1', format: 'pem' }).toString(), undefined)
  if (key.asymmetricKeyType === 'ec') return readSsh(key.export({ type: 'sec1', format: 'pem' }).toString(), undefined)
  if (key.asymmetricKeyType === 'ed25519') return readSsh(openSshEd25519(key), undefined)
  throw new AppError('key.malformed', `keys of the kind ${key.asymmetricKeyType ?? 'unknown'} are of no use for SSH`)
}

function explained(message: string, passphrase: string | undefined, encrypted = false): AppError {
  if (/no passphrase given|interrupted or cancelled|missing passphrase/i.test(message) || (encrypted && passphrase === undefined))
    return new AppError('key.passphrase_needed', 'the private key is protected')
  if (/bad passphrase|integrity check failed|bad decrypt/i.test(message) || (encrypted && passphrase !== undefined))
    return new AppError('key.wrong_passphrase', 'the passphrase does not open the private key')
  return new AppError('key.malformed', 'the file is no SSH private key in OpenSSH or PEM form')
}

/** openssh-key-v1 without protection (PROTOCOL.key of OpenSSH). */
function openSshEd25519(key: KeyObject): string {
  const field = (bytes: Buffer | string): Buffer => {
    const body = Buffer.from(bytes as string)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    return Buffer.concat([length, body])
  }
  const seed = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
  const point = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url')
  const blob = Buffer.concat([field('ssh-ed25519'), field(point)])
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, field('ssh-ed25519'), field(point), field(Buffer.concat([seed, point])), field('')])
  const padded = Buffer.concat([secret, Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1))])
  const one = Buffer.from([0, 0, 0, 1])
  const all = Buffer.concat([Buffer.from('openssh-key-v1\0'), field('none'), field('none'), field(''), one, field(blob), field(padded)])
  const lines = all.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}
