/** Content keys for recipients: RSAES-PKCS1-v1_5 and RSAES-OAEP, opened with implicit rejection. */
import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { concatBytes } from '../asn1/bytes.ts'
import { DIGEST_BYTES, digestOf, mgf1, xor, type DigestName } from './digests.ts'
import { rsaModulusBytes, rsaPrivate, rsaPublic } from './rsa.ts'

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

const standInSecret = createSecretKey(randomBytes(32))

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
