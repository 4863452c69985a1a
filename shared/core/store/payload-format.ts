/**
 * How a payload lies on the disk: `WBP1`, a 32-byte salt, then chunks of 256 KiB sealed with AES-256-GCM, each followed by its tag.
 * The nonce is the chunk's number and whether it is the last, so that a cut, a swap or a repetition does not open (the STREAM
 * construction of Hoang, Reyhanitabar, Rogaway and Vizár). The key is derived for each file from its salt.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

export const MAGIC = Buffer.from('WBP1')
export const SALT_BYTES = 32
export const HEADER_BYTES = MAGIC.length + SALT_BYTES
export const CHUNK_BYTES = 256 * 1024
const TAG_BYTES = 16
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES

/** Keys are objects: of bytes the runtime makes one at each use, at ten times the cost. */
export function payloadKey(storeKey: KeyObject, salt: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', storeKey, salt, 'waybill payload 1', 32)))
}

/** Number of chunks and plaintext size of a stored file of that length; null when no payload has that length. */
export function layoutOf(storedBytes: number): { readonly chunks: number; readonly size: number } | null {
  const body = storedBytes - HEADER_BYTES
  if (body < TAG_BYTES) return null
  const chunks = Math.ceil(body / SEALED_CHUNK_BYTES)
  const size = body - chunks * TAG_BYTES
  return size < (chunks - 1) * CHUNK_BYTES ? null : { chunks, size }
}

export function sealChunk(key: KeyObject | Buffer, index: number, last: boolean, plain: Uint8Array): Buffer {
  return Buffer.concat(sealPieces(key, index, last, plain))
}

/** The same, as the pieces that it is made of. */
export function sealPieces(key: KeyObject | Buffer, index: number, last: boolean, plain: Uint8Array): Buffer[] {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, last))
  return [cipher.update(plain), cipher.final(), cipher.getAuthTag()]
}

/** Throws when the chunk is not the one that was sealed at this place. */
export function openChunk(key: KeyObject | Buffer, index: number, last: boolean, sealed: Buffer): Buffer {
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, last)).setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(0, end))
  decipher.final()
  return plain
}

function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(index, 5, 6)
  nonce.writeUInt8(last ? 1 : 0, 11)
  return nonce
}
