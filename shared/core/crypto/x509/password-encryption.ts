/**
 * Encryption and authentication by password, as PKCS#12 (RFC 7292) and PKCS#5 (RFC 8018) define them. The certificates
 * inside must keep their exact bytes and the keys may be of any type, so only RC2, which node lacks, comes from node-forge.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { childrenOfTag, contentOf, expectTag, octetsOf, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { concatBytes } from '../asn1/bytes.ts'
import { TAG, derNull, derOctetString, derOid, derSequence, derSmallInteger } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { DIGEST_OID, digestByOid, readAlgorithm, type AlgorithmId } from '../cms/algorithms.ts'
import { CmsError, malformed } from '../cms/errors.ts'
import { randomOctets, type DigestName } from '../primitives/index.ts'

/** Beyond it a file would keep the process busy for seconds; products write 1 to 600 000. */
const MAX_ITERATIONS = 2_000_000
const MAX_SCRYPT_BYTES = 64 * 1024 * 1024

/** Reads an iteration count. */
function iterationsOf(node: BerNode | undefined): number {
  const count = smallIntegerOf(node, 'the iteration count')
  if (count < 1 || count > MAX_ITERATIONS) throw new CmsError('cms.limit', `an iteration count of ${count} is out of range`)
  return count
}

const PURPOSE = { key: 1, iv: 2, mac: 3 } as const

/** Key derivation of PKCS#12 (RFC 7292 B.2). An empty password is two zero octets, or none at all (`null`). */
export function derivePkcs12(digest: DigestName, password: string | null, salt: Uint8Array, iterations: number, purpose: keyof typeof PURPOSE, bytes: number): Uint8Array {
  const block = digest === 'sha384' || digest === 'sha512' ? 128 : 64
  const secret = password === null ? Buffer.alloc(0) : Buffer.from(`${password}\0`, 'utf16le').swap16()
  const input = Buffer.concat([repeated(salt, block), repeated(secret, block)])
  const made: Uint8Array[] = []
  for (let have = 0; have < bytes; ) {
    let value = createHash(digest).update(Buffer.alloc(block, PURPOSE[purpose])).update(input).digest()
    for (let round = 1; round < iterations; round++) value = hash(digest, value, 'buffer')
    made.push(value)
    have += value.length
    addToBlocks(input, repeated(value, block).subarray(0, block), block)
  }
  return concatBytes(made).subarray(0, bytes)
}

function repeated(bytes: Uint8Array, block: number): Buffer {
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.alloc(block * Math.ceil(bytes.length / block), bytes)
}

/** Each block of `input` becomes itself + `addend` + 1 modulo its size. */
function addToBlocks(input: Buffer, addend: Uint8Array, block: number): void {
  for (let start = 0; start < input.length; start += block) {
    let carry = 1
    for (let at = block - 1; at >= 0; at--) {
      carry += (input[start + at] ?? 0) + (addend[at] ?? 0)
      input[start + at] = carry & 255
      carry >>= 8
    }
  }
}

/** Decrypts; a wrong password shows as `cms.wrong_password`, though damage looks the same. */
export function decryptWithPassword(algorithm: AlgorithmId, encrypted: Uint8Array, password: string | null): Uint8Array {
  const { cipher, key, iv, rc2Bits } = algorithm.oid === OID.pbes2 ? readPbes2(algorithm, password) : readPkcs12Pbe(algorithm, password)
  try {
    if (cipher === 'rc2') return decryptRc2(key, rc2Bits ?? 128, iv, encrypted)
    const decipher = createDecipheriv(cipher, key, iv)
    return Buffer.concat([decipher.update(encrypted), decipher.final()])
  } catch (error) {
    throw new CmsError('cms.wrong_password', 'the password does not open this part of the container', error)
  }
}

interface KeyedCipher {
  readonly cipher: string
  readonly key: Uint8Array
  readonly iv: Uint8Array
  readonly rc2Bits?: number
}

const PKCS12_CIPHERS: Readonly<Record<string, { readonly cipher: string; readonly key: number; readonly bits?: number }>> = {
  [OID.pbeSha1TripleDes]: { cipher: 'des-ede3-cbc', key: 24 },
  [OID.pbeSha1TripleDes2]: { cipher: 'des-ede3-cbc', key: 16 },
  [OID.pbeSha1Rc2128]: { cipher: 'rc2', key: 16, bits: 128 },
  [OID.pbeSha1Rc240]: { cipher: 'rc2', key: 5, bits: 40 },
}

function readPkcs12Pbe(algorithm: AlgorithmId, password: string | null): KeyedCipher {
  const known = PKCS12_CIPHERS[algorithm.oid]
  if (known === undefined) throw new CmsError('cms.unsupported', `the encryption ${algorithm.oid} of the container is not supported`)
  const [salt, count] = childrenOfTag(algorithm.parameters, TAG.sequence, 'the encryption parameters')
  const saltBytes = octetsOf(expectTag(salt, TAG.octetString, 'the salt'))
  const iterations = iterationsOf(count)
  const key = derivePkcs12('sha1', password, saltBytes, iterations, 'key', known.key)
  const iv = derivePkcs12('sha1', password, saltBytes, iterations, 'iv', 8)
  const whole = known.cipher === 'des-ede3-cbc' && key.length === 16 ? concatBytes([key, key.subarray(0, 8)]) : key
  return { cipher: known.cipher, key: whole, iv, ...(known.bits === undefined ? {} : { rc2Bits: known.bits }) }
}

const PBES2_CIPHERS: Readonly<Record<string, { readonly cipher: string; readonly key: number }>> = {
  [OID.aes128Cbc]: { cipher: 'aes-128-cbc', key: 16 },
  [OID.aes192Cbc]: { cipher: 'aes-192-cbc', key: 24 },
  [OID.aes256Cbc]: { cipher: 'aes-256-cbc', key: 32 },
  [OID.desEde3Cbc]: { cipher: 'des-ede3-cbc', key: 24 },
}

function readPbes2(algorithm: AlgorithmId, password: string | null): KeyedCipher {
  const [derivation, encryption] = childrenOfTag(algorithm.parameters, TAG.sequence, 'the encryption parameters')
  const scheme = readAlgorithm(encryption, 'the encryption scheme')
  const known = PBES2_CIPHERS[scheme.oid]
  if (known === undefined) throw new CmsError('cms.unsupported', `the encryption ${scheme.oid} of the container is not supported`)
  const iv = octetsOf(expectTag(scheme.parameters, TAG.octetString, 'the initialisation vector'))
  if (iv.length !== (known.cipher === 'des-ede3-cbc' ? 8 : 16)) throw malformed('the initialisation vector has a wrong size')
  return { cipher: known.cipher, key: deriveKey(readAlgorithm(derivation, 'the key derivation'), password, known.key), iv }
}

const PRFS: Readonly<Record<string, DigestName>> = { [OID.hmacSha1]: 'sha1', [OID.hmacSha256]: 'sha256', [OID.hmacSha384]: 'sha384', [OID.hmacSha512]: 'sha512' }

/** PBKDF2 or scrypt from its AlgorithmIdentifier. */
function deriveKey(algorithm: AlgorithmId, password: string | null, bytes: number): Uint8Array {
  const [salt, ...rest] = childrenOfTag(algorithm.parameters, TAG.sequence, 'the key derivation parameters')
  const saltBytes = octetsOf(expectTag(salt, TAG.octetString, 'the salt'))
  if (algorithm.oid === OID.scrypt) {
    const [cost, blockSize, parallelization] = rest.slice(0, 3).map((node) => smallIntegerOf(node, 'a scrypt parameter'))
    if (cost === undefined || blockSize === undefined || parallelization === undefined) throw malformed('the scrypt parameters are incomplete')
    if (128 * cost * blockSize > MAX_SCRYPT_BYTES || parallelization > 16) throw new CmsError('cms.limit', 'the scrypt parameters are out of range')
    return scryptSync(password ?? '', saltBytes, bytes, { cost, blockSize, parallelization, maxmem: 2 * MAX_SCRYPT_BYTES })
  }
  if (algorithm.oid !== OID.pbkdf2) throw new CmsError('cms.unsupported', `the key derivation ${algorithm.oid} is not supported`)
  const prfNode = rest.find(({ tag }) => tag === TAG.sequence)
  const prf = prfNode === undefined ? 'sha1' : PRFS[readAlgorithm(prfNode, 'the pseudo-random function').oid]
  if (prf === undefined) throw new CmsError('cms.unsupported', 'the pseudo-random function of the container is not supported')
  return pbkdf2Sync(password ?? '', saltBytes, iterationsOf(rest[0]), bytes, prf)
}

interface Rc2Cipher {
  start(iv: string): void
  update(input: unknown): void
  finish(): boolean
  readonly output: { getBytes(): string }
}
interface Forge {
  readonly rc2: { createDecryptionCipher(key: string, bits: number): Rc2Cipher }
  readonly util: { createBuffer(bytes: string): unknown }
}

let forge: Forge | undefined

/** Loaded when the first such container comes along: nothing else needs it. */
function decryptRc2(key: Uint8Array, bits: number, iv: Uint8Array, encrypted: Uint8Array): Uint8Array {
  forge ??= createRequire(import.meta.url)('node-forge') as Forge
  const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
  const cipher = forge.rc2.createDecryptionCipher(binary(key), bits)
  cipher.start(binary(iv))
  cipher.update(forge.util.createBuffer(binary(encrypted)))
  if (!cipher.finish()) throw new Error('the padding is wrong')
  return Buffer.from(cipher.output.getBytes(), 'latin1')
}

/** The MAC of a container: its DigestInfo algorithm, salt and iteration count. */
export function macWithPassword(algorithm: AlgorithmId, salt: Uint8Array, iterations: BerNode | undefined, content: Uint8Array, password: string | null): Uint8Array {
  if (algorithm.oid === OID.pbmac1) {
    const [derivation, scheme] = childrenOfTag(algorithm.parameters, TAG.sequence, 'the MAC parameters')
    const digest = PRFS[readAlgorithm(scheme, 'the MAC').oid]
    const derived = readAlgorithm(derivation, 'the key derivation')
    if (digest === undefined) throw new CmsError('cms.unsupported', 'the MAC of the container is not supported')
    const [, , length] = childrenOfTag(derived.parameters, TAG.sequence, 'the key derivation parameters')
    const bytes = length?.tag === TAG.integer ? smallIntegerOf(length, 'the key length') : 32
    if (bytes < 20 || bytes > 64) throw new CmsError('cms.limit', 'the key length of the MAC is out of range')
    return createHmac(digest, deriveKey(derived, password, bytes)).update(content).digest()
  }
  const digest = digestByOid(algorithm.oid)
  if (digest === undefined) throw new CmsError('cms.unsupported', `the digest ${algorithm.oid} of the container is not supported`)
  const count = iterations === undefined ? 1 : iterationsOf(iterations)
  return createHmac(digest, derivePkcs12(digest, password, salt, count, 'mac', createHash(digest).digest().length)).update(content).digest()
}

/** `modern`: AES-256 and SHA-256 (Windows 10, Java 8u301, OpenSSL 1.1 and later). `compatible`: 3DES and SHA-1, read by everything. */
export type ContainerForm = 'modern' | 'compatible'

/** The old derivation is computed here, and the old form is weak at any count. */
const ITERATIONS: Readonly<Record<ContainerForm, number>> = { modern: 50_000, compatible: 10_000 }

/** Encrypts; gives the AlgorithmIdentifier with the ciphertext. */
export function encryptWithPassword(form: ContainerForm, plain: Uint8Array, password: string): { readonly algorithm: Uint8Array; readonly encrypted: Uint8Array } {
  const salt = randomOctets(16)
  const iterations = ITERATIONS[form]
  const iv = form === 'modern' ? randomOctets(16) : derivePkcs12('sha1', password, salt, iterations, 'iv', 8)
  const key = form === 'modern' ? pbkdf2Sync(password, salt, iterations, 32, 'sha256') : derivePkcs12('sha1', password, salt, iterations, 'key', 24)
  const cipher = createCipheriv(form === 'modern' ? 'aes-256-cbc' : 'des-ede3-cbc', key, iv)
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  const parameters = [derOctetString(salt), derSmallInteger(iterations)] as const
  const algorithm = form === 'modern'
    ? derSequence(derOid(OID.pbes2), derSequence(
        derSequence(derOid(OID.pbkdf2), derSequence(...parameters, derSequence(derOid(OID.hmacSha256), derNull()))),
        derSequence(derOid(OID.aes256Cbc), derOctetString(iv)),
      ))
    : derSequence(derOid(OID.pbeSha1TripleDes), derSequence(...parameters))
  return { algorithm, encrypted }
}

/** MacData over the content of a new container. */
export function macData(form: ContainerForm, content: Uint8Array, password: string): Uint8Array {
  const digest = form === 'modern' ? 'sha256' : 'sha1'
  const salt = randomOctets(16)
  const key = derivePkcs12(digest, password, salt, ITERATIONS[form], 'mac', digest === 'sha256' ? 32 : 20)
  const mac = createHmac(digest, key).update(content).digest()
  return derSequence(derSequence(derSequence(derOid(DIGEST_OID[digest]), derNull()), derOctetString(mac)), derOctetString(salt), derSmallInteger(ITERATIONS[form]))
}

/** EncryptedPrivateKeyInfo or the like: an algorithm and a ciphertext. */
export function readEncrypted(node: BerNode): { readonly algorithm: AlgorithmId; readonly encrypted: Uint8Array } {
  const [algorithm, encrypted] = childrenOfTag(node, TAG.sequence, 'an encrypted key')
  return { algorithm: readAlgorithm(algorithm, 'the key encryption'), encrypted: contentOf(expectTag(encrypted, TAG.octetString, 'an encrypted key')) }
}
