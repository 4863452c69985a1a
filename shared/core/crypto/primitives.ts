/**
 * Every cryptographic primitive that the codec uses, in one place, each with a known-answer test (`selfTest`).
 *
 * RSA is used raw (no padding) and padded here, for three reasons: node refuses or leaks PKCS#1 v1.5 decryption depending
 * on its build; OAEP and PSS with an MGF1 hash of their own are not reachable otherwise; and a signature without signed
 * attributes must be verified from a digest that was computed while the content streamed by.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  hash as hashOnce,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign as nodeSign,
  verify as nodeVerify,
  type CipherGCM,
  type DecipherGCM,
  type Hash,
  type KeyObject,
} from 'node:crypto'
import { createDeflate, createInflate, deflateSync, inflateSync, type Deflate, type Inflate } from 'node:zlib'
import { concatBytes, sameBytes, toBigInt } from './asn1/bytes.ts'
import { derElement, derNull, derOctetString, derOid, derSequence, derUnsigned, derBitString } from './asn1/der-writer.ts'
import { childrenOfTag, contentOf, integerBytesOf, readBer } from './asn1/ber-node.ts'
import { OID } from './asn1/oids.ts'
import * as known from './known-answers.ts'

// ---------------------------------------------------------------- digests

/** Digests that the codec knows. MD5 and SHA-1 only by an explicit allowance of the caller. */
export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Output sizes in bytes. */
export const DIGEST_BYTES: Readonly<Record<DigestName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

/** A running digest (supports `copy`). */
export function createDigest(name: DigestName): Hash {
  return createHash(name)
}

/** Digest of a small buffer. */
export function digestOf(name: DigestName, bytes: Uint8Array): Uint8Array {
  return hashOnce(name, bytes, 'buffer')
}

/** Cryptographically secure random octets. */
export function randomOctets(count: number): Uint8Array {
  return randomBytes(count)
}

// ---------------------------------------------------------------- content encryption

/** Ciphers of EnvelopedData. */
export type CbcCipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc'
/** Ciphers of AuthEnvelopedData. */
export type GcmCipher = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'

/** Key, block and nonce sizes in bytes. */
export const CIPHER_SIZES: Readonly<Record<CbcCipher | GcmCipher, { readonly key: number; readonly block: number; readonly iv: number }>> = {
  'aes-128-cbc': { key: 16, block: 16, iv: 16 },
  'aes-192-cbc': { key: 24, block: 16, iv: 16 },
  'aes-256-cbc': { key: 32, block: 16, iv: 16 },
  'des-ede3-cbc': { key: 24, block: 8, iv: 8 },
  'aes-128-gcm': { key: 16, block: 1, iv: 12 },
  'aes-192-gcm': { key: 24, block: 1, iv: 12 },
  'aes-256-gcm': { key: 32, block: 1, iv: 12 },
}

export function isGcm(cipher: CbcCipher | GcmCipher): cipher is GcmCipher {
  return cipher.endsWith('-gcm')
}

/** One running encryption or decryption. */
export interface ContentCipherStream {
  update(chunk: Uint8Array): Uint8Array
  final(): Uint8Array
}

/** CBC with PKCS#7 padding. */
export function cbcEncryptor(cipher: CbcCipher, key: Uint8Array, iv: Uint8Array): ContentCipherStream {
  return createCipheriv(cipher, key, iv)
}

/** CBC with PKCS#7 padding; `final` throws on a bad one. */
export function cbcDecryptor(cipher: CbcCipher, key: Uint8Array, iv: Uint8Array): ContentCipherStream {
  return createDecipheriv(cipher, key, iv)
}

/** GCM with a 16-byte tag, available after `final`. */
export function gcmEncryptor(cipher: GcmCipher, key: Uint8Array, nonce: Uint8Array): CipherGCM {
  return createCipheriv(cipher, key, nonce, { authTagLength: 16 })
}

/** GCM; set the tag before `final`, which throws when it does not verify. */
export function gcmDecryptor(cipher: GcmCipher, key: Uint8Array, nonce: Uint8Array, tagLength: number): DecipherGCM {
  return createDecipheriv(cipher, key, nonce, { authTagLength: tagLength })
}

/**
 * In AuthEnvelopedData the additional data (authAttrs) come after the ciphertext, but GCM hashes them first. GHASH is
 * linear, so their contribution can be added later: gives the tag that the same ciphertext has without additional data.
 * `tag` may be truncated. NIST SP 800-38D 6.4, RFC 5083 2.2.
 */
export function gcmTagWithoutAad(
  cipher: GcmCipher,
  key: Uint8Array,
  tag: Uint8Array,
  aad: Uint8Array,
  ciphertextBytes: number,
): Uint8Array {
  const block = createCipheriv(cipher.replace('gcm', 'ecb'), key, null).setAutoPadding(false)
  const h = toBigInt(block.update(new Uint8Array(16)))
  let sum = 0n
  for (let at = 0; at < aad.length; at += 16) {
    const padded = new Uint8Array(16)
    padded.set(aad.subarray(at, at + 16))
    sum = gfMultiply(sum ^ toBigInt(padded), h)
  }
  // one more multiplication for every ciphertext block and for the length block
  let power = Math.ceil(ciphertextBytes / 16) + 1
  for (let base = h; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) sum = gfMultiply(sum, base)
    base = gfMultiply(base, base)
  }
  const lengths = BigInt(aad.length) * 8n << 64n
  sum ^= gfMultiply(lengths, h)
  const correction = Buffer.from(sum.toString(16).padStart(32, '0'), 'hex')
  return Uint8Array.from(tag, (octet, i) => octet ^ (correction[i] ?? 0))
}

/** Product in GF(2^128) with GCM's bit order. */
function gfMultiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let v = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if (((x >> bit) & 1n) === 1n) product ^= v
    v = (v & 1n) === 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n
  }
  return product
}

// ---------------------------------------------------------------- RSA

/** Raw public operation on a block of exactly the modulus size; undefined when the block is not below the modulus. */
function rsaPublic(key: KeyObject, block: Uint8Array): Uint8Array | undefined {
  try {
    return publicEncrypt({ key: plainRsa(key), padding: constants.RSA_NO_PADDING }, block)
  } catch {
    return undefined
  }
}

/** Raw private operation. A block that cannot be processed gives zeros, which no padding check accepts. */
function rsaPrivate(key: KeyObject, block: Uint8Array, size: number): Uint8Array {
  try {
    const opened = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, block)
    if (opened.length === size) return opened
  } catch {
    // the caller replaces the result by a random key
  }
  return new Uint8Array(size)
}

/** Modulus size in bytes. */
export function rsaModulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
}

/** A key restricted to PSS (id-RSASSA-PSS) as a plain RSA key: the raw operation is refused on the former. */
function plainRsa(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa-pss') return key
  const spki = readBer(key.export({ type: 'spki', format: 'der' }))
  const [, bits] = childrenOfTag(spki, 0x30, 'a public key')
  const body = bits === undefined ? new Uint8Array() : contentOf(bits).subarray(1)
  const der = derSequence(derSequence(derOid(OID.rsaEncryption), derNull()), derBitString(body))
  return createPublicKey({ key: Buffer.from(der), type: 'spki', format: 'der' })
}

/** MGF1 (RFC 8017 B.2.1). */
function mgf1(digest: DigestName, seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let made = 0, counter = 0; made < length; made += DIGEST_BYTES[digest], counter++) {
    const index = Buffer.alloc(4)
    index.writeUInt32BE(counter)
    parts.push(digestOf(digest, concatBytes([seed, index])))
  }
  return concatBytes(parts).subarray(0, length)
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(a, (octet, i) => octet ^ (b[i] ?? 0))
}

/** How a content key is wrapped for a recipient. */
export type KeyTransport =
  | { readonly scheme: 'rsaes-pkcs1' }
  | { readonly scheme: 'rsaes-oaep'; readonly hash: DigestName; readonly mgf1Hash?: DigestName; readonly label?: Uint8Array }

/** Wraps a content key (RFC 8017 7.1.1, 7.2.1); undefined when the key is too small for it. */
export function wrapKey(key: KeyObject, transport: KeyTransport, contentKey: Uint8Array): Uint8Array | undefined {
  const size = rsaModulusBytes(key)
  const block = transport.scheme === 'rsaes-pkcs1' ? padPkcs1(contentKey, size) : padOaep(contentKey, size, transport)
  return block === undefined ? undefined : rsaPublic(key, block)
}

function padPkcs1(contentKey: Uint8Array, size: number): Uint8Array | undefined {
  const fill = size - contentKey.length - 3
  if (fill < 8) return undefined
  const padding = randomBytes(fill)
  for (let i = 0; i < fill; i++) while (padding[i] === 0) padding[i] = randomBytes(1)[0] ?? 0
  return concatBytes([Uint8Array.of(0, 2), padding, Uint8Array.of(0), contentKey])
}

function padOaep(contentKey: Uint8Array, size: number, transport: KeyTransport & { scheme: 'rsaes-oaep' }): Uint8Array | undefined {
  const hashBytes = DIGEST_BYTES[transport.hash]
  const fill = size - contentKey.length - 2 * hashBytes - 2
  if (fill < 0) return undefined
  const mask = transport.mgf1Hash ?? transport.hash
  const label = digestOf(transport.hash, transport.label ?? new Uint8Array())
  const data = concatBytes([label, new Uint8Array(fill), Uint8Array.of(1), contentKey])
  const seed = randomBytes(hashBytes)
  const maskedData = xor(data, mgf1(mask, seed, data.length))
  const maskedSeed = xor(seed, mgf1(mask, maskedData, hashBytes))
  return concatBytes([Uint8Array.of(0), maskedSeed, maskedData])
}

/** One wrapped content key with the private key that it names. */
export interface WrappedKey {
  readonly key: KeyObject
  readonly transport: KeyTransport
  readonly wrapped: Uint8Array
}

/**
 * Unwraps a content key of known size with implicit rejection (RFC 3218 2.3.2): a pseudo-random key stands in when no block
 * is well formed, so success and failure look alike until the content itself is judged. All candidates are always processed
 * and selected by masks, without branches on secret values.
 */
export function unwrapKey(candidates: readonly WrappedKey[], contentKeyBytes: number): Uint8Array {
  const chosen = standIn(candidates, contentKeyBytes)
  for (const { key, transport, wrapped } of candidates) {
    const size = rsaModulusBytes(key)
    const block = rsaPrivate(key, wrapped, size)
    const keyAt = size - contentKeyBytes
    if (transport.scheme === 'rsaes-pkcs1') {
      if (keyAt < 11) continue
      select(chosen, block.subarray(keyAt), pkcs1Fault(block, keyAt))
    } else {
      const hashBytes = DIGEST_BYTES[transport.hash]
      if (keyAt < 2 * hashBytes + 2) continue
      const { data, fault } = openOaep(block, transport, contentKeyBytes)
      select(chosen, data.subarray(data.length - contentKeyBytes), fault)
    }
  }
  return chosen
}

const standInSecret = randomBytes(32)

/** The stand-in is a function of the blocks: were it fresh every time, repeating a message would tell it from a real key. */
function standIn(candidates: readonly WrappedKey[], contentKeyBytes: number): Uint8Array {
  const mac = createHmac('sha512', standInSecret)
  for (const { wrapped } of candidates) mac.update(wrapped)
  return Uint8Array.from(mac.digest().subarray(0, contentKeyBytes))
}

/** Copies `source` over `target` when `fault` is zero, in constant time. */
function select(target: Uint8Array, source: Uint8Array, fault: number): void {
  const keep = -(((fault | -fault) >>> 31) & 1) // all ones when there is a fault
  for (let i = 0; i < target.length; i++) target[i] = ((target[i] ?? 0) & keep) | ((source[i] ?? 0) & ~keep)
}

/** Zero when `block` is 00 02, non-zero octets, 00 just before `keyAt` (RFC 8017 7.2.2, with the key's size known). */
function pkcs1Fault(block: Uint8Array, keyAt: number): number {
  let fault = (block[0] ?? 1) | ((block[1] ?? 0) ^ 2) | (block[keyAt - 1] ?? 1)
  for (let i = 2; i < keyAt - 1; i++) {
    const octet = block[i] ?? 0
    fault |= ((octet - 1) >>> 31) & 1 // one when the octet is zero
  }
  return fault
}

/** OAEP decoding (RFC 8017 7.1.2) with the key's size known; `fault` is zero when everything fits. */
function openOaep(
  block: Uint8Array,
  transport: KeyTransport & { scheme: 'rsaes-oaep' },
  contentKeyBytes: number,
): { readonly data: Uint8Array; readonly fault: number } {
  const hashBytes = DIGEST_BYTES[transport.hash]
  const mask = transport.mgf1Hash ?? transport.hash
  const maskedSeed = block.subarray(1, 1 + hashBytes)
  const maskedData = block.subarray(1 + hashBytes)
  const seed = xor(maskedSeed, mgf1(mask, maskedData, hashBytes))
  const data = xor(maskedData, mgf1(mask, seed, maskedData.length))
  const label = digestOf(transport.hash, transport.label ?? new Uint8Array())
  const oneAt = data.length - contentKeyBytes - 1
  let fault = block[0] ?? 1
  for (let i = 0; i < hashBytes; i++) fault |= (data[i] ?? 0) ^ (label[i] ?? 0)
  for (let i = hashBytes; i < oneAt; i++) fault |= data[i] ?? 0
  fault |= (data[oneAt] ?? 0) ^ 1
  return { data, fault }
}

// ---------------------------------------------------------------- signatures

/** Parameters of RSASSA-PSS (RFC 4055 3.1). */
export interface PssParameters {
  readonly hash: DigestName
  readonly mgf1Hash: DigestName
  readonly saltLength: number
}

/** RSA PKCS#1 v1.5 signature over `message`. */
export function signRsaPkcs1(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return nodeSign(digest, message, { key, padding: constants.RSA_PKCS1_PADDING })
}

/** RSASSA-PSS signature; MGF1 with the same digest, salt as long as the digest. */
export function signRsaPss(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return nodeSign(digest, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: DIGEST_BYTES[digest] })
}

/** ECDSA signature in DER. */
export function signEcdsa(key: KeyObject, digest: DigestName, message: Uint8Array): Uint8Array {
  return nodeSign(digest, message, { key, dsaEncoding: 'der' })
}

const DIGEST_OIDS: Readonly<Record<DigestName, string>> = {
  md5: OID.md5,
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
}

/**
 * RSASSA-PKCS1-v1_5 from a digest (RFC 8017 8.2.2): the whole encoded message is rebuilt and compared, so nothing can
 * hide in lenient parsing. NULL or absent digest parameters are both accepted.
 */
export function verifyRsaPkcs1(key: KeyObject, digest: DigestName, value: Uint8Array, signature: Uint8Array): boolean {
  const size = rsaModulusBytes(key)
  if (signature.length !== size || value.length !== DIGEST_BYTES[digest]) return false
  const found = rsaPublic(key, signature)
  if (found === undefined) return false
  for (const parameters of [[derNull()], []]) {
    const info = derSequence(derSequence(derOid(DIGEST_OIDS[digest]), ...parameters), derOctetString(value))
    const fill = size - info.length - 3
    if (fill < 8) continue
    if (sameBytes(found, concatBytes([Uint8Array.of(0, 1), new Uint8Array(fill).fill(0xff), Uint8Array.of(0), info]))) return true
  }
  return false
}

/** RSASSA-PSS from a digest (RFC 8017 8.1.2, 9.1.2). The salt must have exactly the declared length. */
export function verifyRsaPss(key: KeyObject, parameters: PssParameters, value: Uint8Array, signature: Uint8Array): boolean {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1
  const size = rsaModulusBytes(key)
  const hashBytes = DIGEST_BYTES[parameters.hash]
  if (signature.length !== size || value.length !== hashBytes) return false
  const opened = rsaPublic(key, signature)
  if (opened === undefined) return false
  const length = Math.ceil(bits / 8)
  if (length < size && opened[0] !== 0) return false
  const encoded = opened.subarray(size - length)
  const saltAt = length - parameters.saltLength - hashBytes - 1
  if (saltAt < 1 || encoded[length - 1] !== 0xbc) return false
  const masked = encoded.subarray(0, length - hashBytes - 1)
  const seed = encoded.subarray(length - hashBytes - 1, length - 1)
  const unused = 8 * length - bits
  const topMask = 0xff >> unused
  if (((masked[0] ?? 0) & ~topMask) !== 0) return false
  const data = xor(masked, mgf1(parameters.mgf1Hash, seed, masked.length))
  data[0] = (data[0] ?? 0) & topMask
  for (let i = 0; i < saltAt - 1; i++) if (data[i] !== 0) return false
  if (data[saltAt - 1] !== 1) return false
  return sameBytes(seed, digestOf(parameters.hash, concatBytes([new Uint8Array(8), value, data.subarray(saltAt)])))
}

/** ECDSA over a message; `signature` in DER. */
export function verifyEcdsa(key: KeyObject, digest: DigestName, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return nodeVerify(digest, message, { key, dsaEncoding: 'der' }, signature)
  } catch {
    return false
  }
}

// Domain parameters: SEC 2, sections 2.4.2, 2.5.1, 2.6.1. All have a = -3.
interface Curve {
  readonly p: bigint
  readonly n: bigint
  readonly g: Point
}
type Point = { readonly x: bigint; readonly y: bigint } | undefined

/** Curves for which a signature can be verified from a digest alone. */
const CURVES: Readonly<Record<string, Curve>> = known.CURVE_PARAMETERS

/**
 * ECDSA from a digest (FIPS 186-5 6.4.2), which node does not offer. Only needed for signatures without signed
 * attributes. Affine arithmetic on public values: slow (milliseconds) but small.
 */
export function verifyEcdsaDigest(key: KeyObject, value: Uint8Array, signature: Uint8Array): boolean {
  const jwk = key.export({ format: 'jwk' })
  const curve = CURVES[jwk.crv ?? '']
  if (curve === undefined || jwk.x === undefined || jwk.y === undefined) return false
  let r: bigint
  let s: bigint
  try {
    const [first, second, ...more] = childrenOfTag(readBer(signature), 0x30, 'a signature')
    if (more.length > 0) return false
    r = toBigInt(integerBytesOf(first, 'r', 67))
    s = toBigInt(integerBytesOf(second, 's', 67))
  } catch {
    return false
  }
  const { p, n, g } = curve
  if (r <= 0n || s <= 0n || r >= n || s >= n) return false
  const excess = BigInt(Math.max(0, value.length * 8 - n.toString(2).length))
  const e = toBigInt(value) >> excess
  const q: Point = { x: toBigInt(Buffer.from(jwk.x, 'base64url')), y: toBigInt(Buffer.from(jwk.y, 'base64url')) }
  const inverse = modInverse(s, n)
  const sum = addPoints(multiplyPoint(g, mod(e * inverse, n), p), multiplyPoint(q, mod(r * inverse, n), p), p)
  return sum !== undefined && mod(sum.x, n) === r
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

function modInverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    if (b === 0n) return 0n
    const quotient = a / b
    ;[a, b, x, y] = [b, a % b, y, x - quotient * y]
  }
  return mod(x, modulus)
}

function addPoints(a: Point, b: Point, p: bigint): Point {
  if (a === undefined) return b
  if (b === undefined) return a
  if (a.x === b.x && mod(a.y + b.y, p) === 0n) return undefined
  const slope = a.x === b.x
    ? mod((3n * a.x * a.x - 3n) * modInverse(2n * a.y, p), p)
    : mod((b.y - a.y) * modInverse(b.x - a.x, p), p)
  const x = mod(slope * slope - a.x - b.x, p)
  return { x, y: mod(slope * (a.x - x) - a.y, p) }
}

function multiplyPoint(point: Point, factor: bigint, p: bigint): Point {
  let result: Point
  let base = point
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = addPoints(result, base, p)
    base = addPoints(base, base, p)
  }
  return result
}

// ---------------------------------------------------------------- compression

/** A streaming zlib compressor (RFC 1950). */
export function zlibCompressor(level: number | undefined): Deflate {
  return level === undefined ? createDeflate({ chunkSize: 65_536 }) : createDeflate({ level, chunkSize: 65_536 })
}

/** A streaming zlib decompressor. */
export function zlibDecompressor(): Inflate {
  return createInflate({ chunkSize: 65_536 })
}

// ---------------------------------------------------------------- known-answer tests

/** Result of one known-answer test; `detail` says what was compared, or what went wrong. */
export interface SelfTestResult {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** Runs every primitive against published or fixed answers. Takes some tens of milliseconds. */
export function selfTest(): SelfTestResult[] {
  const results: SelfTestResult[] = []
  const check = (name: string, detail: string, test: () => boolean): void => {
    try {
      const ok = test()
      results.push({ name, ok, detail: ok ? detail : `${detail}: the answer differs` })
    } catch (error) {
      results.push({ name, ok: false, detail: `${detail}: ${error instanceof Error ? error.message : String(error)}` })
    }
  }
  const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')
  for (const [name, answer] of known.DIGESTS) {
    check(name, 'FIPS 180-4 or RFC 1321, "abc"', () => sameBytes(digestOf(name, Buffer.from('abc')), hex(answer)))
  }
  for (const vector of known.CBC) {
    check(vector.cipher, vector.source, () => {
      const cipher = cbcEncryptor(vector.cipher, hex(vector.key), hex(vector.iv))
      const made = concatBytes([cipher.update(hex(vector.plain)), cipher.final()])
      const plain = cbcDecryptor(vector.cipher, hex(vector.key), hex(vector.iv))
      const back = concatBytes([plain.update(made), plain.final()])
      return sameBytes(made.subarray(0, vector.encrypted.length / 2), hex(vector.encrypted)) && sameBytes(back, hex(vector.plain))
    })
  }
  for (const vector of known.GCM) {
    check(vector.cipher, vector.source, () => {
      const encrypted = hex(vector.encrypted)
      const bare = gcmTagWithoutAad(vector.cipher, hex(vector.key), hex(vector.tag), hex(vector.aad), encrypted.length)
      const plain = gcmDecryptor(vector.cipher, hex(vector.key), hex(vector.iv), 16)
      const opened = plain.update(encrypted)
      plain.setAuthTag(bare)
      plain.final()
      return sameBytes(opened, hex(vector.plain))
    })
    check(`${vector.cipher} tag`, 'a changed tag is refused', () => {
      const plain = gcmDecryptor(vector.cipher, hex(vector.key), hex(vector.iv), 16)
      plain.update(hex(vector.encrypted))
      plain.setAuthTag(new Uint8Array(16))
      try {
        plain.final()
        return false
      } catch {
        return true
      }
    })
  }
  const { privateKey, publicKey } = known.rsaTestKey()
  for (const vector of known.WRAPPED_KEYS) {
    check(`unwrap ${vector.name}`, vector.source, () =>
      sameBytes(unwrapKey([{ key: privateKey, transport: vector.transport, wrapped: hex(vector.wrapped) }], known.CONTENT_KEY.length), known.CONTENT_KEY))
    check(`wrap ${vector.name}`, 'round trip, and implicit rejection of a changed block', () => {
      const wrapped = wrapKey(publicKey, vector.transport, known.CONTENT_KEY)
      if (wrapped === undefined) return false
      const changed = Uint8Array.from(wrapped, (octet, i) => (i === 9 ? octet ^ 1 : octet))
      const open = (block: Uint8Array): Uint8Array =>
        unwrapKey([{ key: privateKey, transport: vector.transport, wrapped: block }], known.CONTENT_KEY.length)
      const rejected = open(changed)
      return sameBytes(open(wrapped), known.CONTENT_KEY) && !sameBytes(rejected, known.CONTENT_KEY) && sameBytes(rejected, open(changed))
    })
  }
  const message = Buffer.from(known.MESSAGE)
  const value = digestOf('sha256', message)
  const wrong = digestOf('sha256', Buffer.from('other'))
  check('RSA PKCS#1 v1.5 signature', 'fixed signature (deterministic scheme)', () =>
    sameBytes(signRsaPkcs1(privateKey, 'sha256', message), hex(known.PKCS1_SIGNATURE))
      && verifyRsaPkcs1(publicKey, 'sha256', value, hex(known.PKCS1_SIGNATURE))
      && !verifyRsaPkcs1(publicKey, 'sha256', wrong, hex(known.PKCS1_SIGNATURE)))
  const pss: PssParameters = { hash: 'sha256', mgf1Hash: 'sha256', saltLength: 32 }
  check('RSASSA-PSS', 'fixed signature', () =>
    verifyRsaPss(publicKey, pss, value, hex(known.PSS_SIGNATURE))
      && !verifyRsaPss(publicKey, pss, wrong, hex(known.PSS_SIGNATURE))
      && verifyRsaPss(publicKey, pss, value, signRsaPss(privateKey, 'sha256', message)))
  for (const vector of known.ECDSA) {
    check(`ECDSA ${vector.curve}`, vector.source, () => {
      const key = createPublicKey({ key: { kty: 'EC', crv: vector.curve, x: vector.x, y: vector.y }, format: 'jwk' })
      const signature = derElement(0x30, derUnsigned(hex(vector.r)), derUnsigned(hex(vector.s)))
      const sample = Buffer.from('sample')
      return verifyEcdsa(key, vector.digest, sample, signature)
        && verifyEcdsaDigest(key, digestOf(vector.digest, sample), signature)
        && !verifyEcdsaDigest(key, digestOf(vector.digest, message), signature)
    })
  }
  check('zlib', 'RFC 1950 stream', () =>
    sameBytes(inflateSync(hex(known.ZLIB_STREAM)), Buffer.from(known.MESSAGE))
      && sameBytes(inflateSync(deflateSync(message)), message))
  return results
}
