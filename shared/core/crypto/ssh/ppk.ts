/**
 * PuTTY's private key files, versions 2 and 3 (PuTTY manual, appendix C), read into OpenSSH's form.
 * Version 2 derives its keys with SHA-1 and version 3 with Argon2; both carry a MAC over everything that matters, which is
 * always verified. DSA is refused; ed448, certificates and version 1 are named as unsupported.
 */
import { argon2Sync, createDecipheriv, createHash, createHmac, timingSafeEqual, type Argon2Algorithm } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { ed25519Fields, openSshText } from './openssh-format.ts'
import { wireMpint, wireReader, wireString } from './wire.ts'

/** More than any real key needs; bounds what a hostile file can make us compute. */
const MOST_ARGON_MEMORY_KIB = 1024 * 1024
const MOST_ARGON_WORK_KIB = 8 * 1024 * 1024
const MOST_ARGON_LANES = 64
const MOST_LINES = 1000

interface PpkFile {
  readonly version: 2 | 3
  readonly algorithm: string
  readonly encrypted: boolean
  /** Bytes as they are in the file: the MAC covers them. */
  readonly comment: Buffer
  readonly publicBlob: Buffer
  /** Still encrypted where the file is. */
  readonly privateBlob: Buffer
  readonly mac: Buffer
  readonly derivation: Derivation | null
}

interface Derivation {
  readonly algorithm: Argon2Algorithm
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Buffer
}

interface Keys {
  readonly cipher: Buffer
  readonly iv: Buffer
  readonly mac: Buffer
}

/** Whether a file says that it is one of PuTTY's. */
export function isPpk(text: string): boolean {
  return /^\s*PuTTY-User-Key-File-/.test(text)
}

/**
 * The key as OpenSSH text, unprotected. Rejects with `key.passphrase_needed`, `key.wrong_passphrase`, `key.damaged`,
 * `key.unsupported`, `key.weak` (DSA) or `key.malformed`. Give the bytes where there are some: the comments of older files
 * are in the code page of their writer, and the MAC covers them.
 */
export function readPpk(content: Buffer | string, passphrase?: string): string {
  const file = parse(Buffer.isBuffer(content) ? content : Buffer.from(content, 'utf8'))
  if (file.algorithm === 'ssh-dss') throw new AppError('key.weak', 'DSA keys are not accepted')
  if (file.encrypted && (passphrase === undefined || passphrase === '')) throw new AppError('key.passphrase_needed', 'the PuTTY key is protected')
  const keys = keysOf(file, file.encrypted ? (passphrase ?? '') : '')
  const secret = file.encrypted ? decrypt(file.privateBlob, keys) : file.privateBlob
  if (!sameMac(macOf(file, secret, keys.mac), file.mac)) {
    // With a wrong passphrase the content is noise; where it reads as this kind of key, something else was changed.
    if (file.encrypted && !isReadable(file, secret)) throw new AppError('key.wrong_passphrase', 'the passphrase does not open the PuTTY key (or the file is damaged)')
    throw new AppError('key.damaged', 'the checksum (Private-MAC) of the PuTTY key does not fit its content')
  }
  return openSshText(file.publicBlob, privateFields(file, secret), file.algorithm, file.comment.toString('utf8'))
}

function sameMac(computed: Buffer, told: Buffer): boolean {
  return computed.length === told.length && timingSafeEqual(computed, told)
}

function parse(content: Buffer): PpkFile {
  const lines = content.toString('latin1').trim().split(/\r\n|\n|\r/)
  if (lines.length > MOST_LINES) throw new AppError('key.malformed', 'the file is too long for a PuTTY key')
  let at = 0
  const header = (name: string): string => {
    const [, found, value = ''] = /^([A-Za-z0-9-]+): ?(.*)$/.exec(lines[at] ?? '') ?? []
    if (found !== name) throw new AppError('key.damaged', `the PuTTY key has no ${name} where it belongs`)
    at += 1
    return value
  }
  const number = (name: string): number => {
    const value = header(name)
    if (!/^\d{1,10}$/.test(value)) throw new AppError('key.damaged', `${name} of the PuTTY key is no number`)
    return Number(value)
  }
  const hex = (name: string): Buffer => {
    const value = header(name)
    if (!/^([0-9a-f]{2})+$/i.test(value)) throw new AppError('key.damaged', `${name} of the PuTTY key is not hexadecimal`)
    return Buffer.from(value, 'hex')
  }
  const blob = (name: string): Buffer => {
    const count = number(name)
    const text = lines.slice(at, at + count).join('')
    if (count === 0 || at + count > lines.length || !/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw new AppError('key.damaged', `the block ${name} of the PuTTY key is incomplete`)
    at += count
    return Buffer.from(text, 'base64')
  }

  const [, version = '', algorithm = ''] = /^PuTTY-User-Key-File-(\d+): ?(\S+)$/.exec(lines[at] ?? '') ?? []
  if (version === '') throw new AppError('key.malformed', 'the file is no PuTTY key')
  if (version !== '2' && version !== '3') throw new AppError('key.unsupported', `PuTTY key files of version ${version} are not read; version 2 and 3 are`)
  if (!Object.hasOwn(KINDS, algorithm)) throw new AppError('key.unsupported', `PuTTY keys of the kind ${algorithm.slice(0, 60)} are not read`)
  at += 1
  const encryption = header('Encryption')
  if (encryption !== 'none' && encryption !== 'aes256-cbc') throw new AppError('key.unsupported', `PuTTY keys protected by ${encryption.slice(0, 40)} are not read`)
  const encrypted = encryption !== 'none'
  const comment = Buffer.from(header('Comment'), 'latin1')
  const publicBlob = blob('Public-Lines')
  const derivation = version === '3' && encrypted ? derivationOf(header, number, hex) : null
  const privateBlob = blob('Private-Lines')
  if (encrypted && privateBlob.length % 16 !== 0) throw new AppError('key.damaged', 'the private part of the PuTTY key is incomplete')
  return { version: version === '2' ? 2 : 3, algorithm, encrypted, comment, publicBlob, privateBlob, mac: hex('Private-MAC'), derivation }
}

function derivationOf(header: (name: string) => string, number: (name: string) => number, hex: (name: string) => Buffer): Derivation {
  const name = header('Key-Derivation')
  const algorithm = ({ Argon2id: 'argon2id', Argon2i: 'argon2i', Argon2d: 'argon2d' } as const)[name]
  if (algorithm === undefined) throw new AppError('key.unsupported', `PuTTY keys protected with ${name.slice(0, 40)} are not read`)
  const [memory, passes, parallelism] = [number('Argon2-Memory'), number('Argon2-Passes'), number('Argon2-Parallelism')]
  if (memory > MOST_ARGON_MEMORY_KIB || memory * passes > MOST_ARGON_WORK_KIB || parallelism > MOST_ARGON_LANES)
    throw new AppError('key.unsupported', `opening the PuTTY key would need ${memory} KiB in ${passes} passes, more than is allowed; save it again with the usual settings`)
  const salt = hex('Argon2-Salt')
  // RFC 9106 §3.1: at least one pass and lane, 8 KiB for each lane, a salt of 8 bytes.
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism || salt.length < 8 || salt.length > 256) throw new AppError('key.damaged', 'the Argon2 settings of the PuTTY key cannot be right')
  return { algorithm, memory, passes, parallelism, salt }
}

function keysOf(file: PpkFile, passphrase: string): Keys {
  const none = Buffer.alloc(0)
  if (file.version === 2) {
    const sha1 = (...parts: (Buffer | string)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha1')).digest()
    const cipher = Buffer.concat([sha1(Buffer.from([0, 0, 0, 0]), passphrase), sha1(Buffer.from([0, 0, 0, 1]), passphrase)]).subarray(0, 32)
    return { cipher, iv: Buffer.alloc(16), mac: sha1('putty-private-key-file-mac-key', passphrase) }
  }
  if (file.derivation === null) return { cipher: none, iv: none, mac: none }
  const { algorithm, memory, passes, parallelism, salt } = file.derivation
  const derived = argon2Sync(algorithm, { message: passphrase, nonce: salt, memory, passes, parallelism, tagLength: 80 })
  return { cipher: derived.subarray(0, 32), iv: derived.subarray(32, 48), mac: derived.subarray(48) }
}

function decrypt(content: Buffer, keys: Keys): Buffer {
  const decipher = createDecipheriv('aes-256-cbc', keys.cipher, keys.iv).setAutoPadding(false)
  return Buffer.concat([decipher.update(content), decipher.final()])
}

function macOf(file: PpkFile, secret: Buffer, key: Buffer): Buffer {
  const covered = [file.algorithm, file.encrypted ? 'aes256-cbc' : 'none', file.comment, file.publicBlob, secret].map(wireString)
  return createHmac(file.version === 2 ? 'sha1' : 'sha256', key).update(Buffer.concat(covered)).digest()
}

/** How each kind's private part becomes OpenSSH's; `publicFields` are what follows the name in the public blob. */
const KINDS: Readonly<Record<string, (publicBlob: Buffer, secret: Buffer) => Buffer>> = {
  'ssh-rsa'(publicBlob, secret) {
    const shared = afterName(publicBlob)
    const [e, n] = [shared.mpint(), shared.mpint()]
    const own = wireReader(secret)
    const [d, p, q, inverse] = [own.mpint(), own.mpint(), own.mpint(), own.mpint()]
    return Buffer.concat([n, e, d, inverse, p, q].map(wireMpint))
  },
  'ssh-dss': () => Buffer.alloc(0),
  'ssh-ed25519'(publicBlob, secret) {
    const point = afterName(publicBlob).string()
    // A little-endian number: zeros at its end are left out.
    const seed = wireReader(secret).string()
    if (point.length !== 32 || seed.length > 32) throw new AppError('key.malformed', 'an ed25519 key has 32 bytes')
    return ed25519Fields(point, Buffer.concat([seed, Buffer.alloc(32 - seed.length)]))
  },
  'ecdsa-sha2-nistp256': ecdsaFields,
  'ecdsa-sha2-nistp384': ecdsaFields,
  'ecdsa-sha2-nistp521': ecdsaFields,
}

function ecdsaFields(publicBlob: Buffer, secret: Buffer): Buffer {
  const shared = afterName(publicBlob)
  const [curve, point] = [shared.string(), shared.string()]
  return Buffer.concat([wireString(curve), wireString(point), wireMpint(wireReader(secret).mpint())])
}

function afterName(publicBlob: Buffer): ReturnType<typeof wireReader> {
  const reader = wireReader(publicBlob)
  reader.string()
  return reader
}

function privateFields(file: PpkFile, secret: Buffer): Buffer {
  const fields = KINDS[file.algorithm]?.(file.publicBlob, secret)
  if (fields === undefined || wireReader(file.publicBlob).text() !== file.algorithm) throw new AppError('key.damaged', 'the public part of the PuTTY key is of another kind than the file says')
  return fields
}

function isReadable(file: PpkFile, secret: Buffer): boolean {
  try {
    privateFields(file, secret)
    return true
  } catch {
    return false
  }
}
