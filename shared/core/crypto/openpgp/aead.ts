/**
 * Encrypted data in authenticated chunks: packet 18 version 2 (RFC 9580 5.13.2) in both directions, and packet 20, which GnuPG 2.3 and
 * later write to keys that announce it (draft-ietf-openpgp-rfc4880bis-10 5.16), to read only. A chunk is released once its tag holds.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, type CipherGCM, type DecipherGCM } from 'node:crypto'
import { ByteReader } from '../cms/byte-source.ts'
import { tampered } from './cfb.ts'
import { aeadById, cipherById, type AeadSpec, type CipherSpec } from './ciphers.ts'
import { malformed, truncated } from './packet-stream.ts'

const TAG_BYTES = 16
const SALT_BYTES = 32
/** Chunks of 64 KiB: 2^(10 + 6). */
const CHUNK_CODE = 10
/** 4 MiB, the largest that RFC 9580 5.13.2 lets one write, and what GnuPG writes. */
const MAX_CHUNK_CODE = 16

interface Sealing {
  readonly cipher: CipherSpec
  readonly mode: AeadSpec
  readonly key: Uint8Array
  readonly chunkBytes: number
  nonce(index: number): Uint8Array
  /** Data that a chunk's tag covers besides the chunk; with `total` that of the last tag. */
  associated(index: number, total?: number): Uint8Array
}

function ordinal(value: number): Uint8Array {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(value))
  return octets
}

function sealingV2(cipher: CipherSpec, mode: AeadSpec, code: number, salt: Uint8Array, sessionKey: Uint8Array): Sealing {
  const info = Buffer.from([0xd2, 2, cipher.id, mode.id, code])
  const derived = Buffer.from(hkdfSync('sha256', sessionKey, salt, info, cipher.keyBytes + mode.nonceBytes - 8))
  return {
    cipher, mode, chunkBytes: 2 ** (code + 6), key: derived.subarray(0, cipher.keyBytes),
    nonce: (index) => Buffer.concat([derived.subarray(cipher.keyBytes), ordinal(index)]),
    associated: (_, total) => (total === undefined ? info : Buffer.concat([info, ordinal(total)])),
  }
}

function sealingPacket20(cipher: CipherSpec, mode: AeadSpec, code: number, iv: Uint8Array, sessionKey: Uint8Array): Sealing {
  const header = Buffer.from([0xd4, 1, cipher.id, mode.id, code])
  return {
    cipher, mode, chunkBytes: 2 ** (code + 6), key: sessionKey,
    nonce: (index) => {
      const nonce = Buffer.from(iv)
      const counter = ordinal(index)
      for (let at = 0; at < 8; at++) nonce[nonce.length - 8 + at] = (nonce[nonce.length - 8 + at] ?? 0) ^ (counter[at] ?? 0)
      return nonce
    },
    associated: (index, total) => Buffer.concat([header, ordinal(index), total === undefined ? Buffer.alloc(0) : ordinal(total)]),
  }
}

/** What stands before the chunks, which says how to open them. */
export interface AeadHeader {
  readonly cipher: CipherSpec
  readonly mode: AeadSpec
  open(sessionKey: Uint8Array): AsyncGenerator<Uint8Array, void>
}

/** Reads the header of a packet 18 version 2 (after its version octet) or of a packet 20 (likewise). */
export async function readAead(source: ByteReader, packet: 'v2' | 'packet20'): Promise<AeadHeader> {
  const fixed = await take(source, 3)
  const cipher = cipherById(fixed[0] ?? 0)
  const mode = aeadById(fixed[1] ?? 0)
  const code = fixed[2] ?? 0
  if (cipher.blockBytes !== 16) throw malformed('AEAD with a cipher of short blocks')
  if (code > MAX_CHUNK_CODE) throw malformed(`AEAD chunks of 2^${code + 6} bytes`)
  const start = await take(source, packet === 'v2' ? SALT_BYTES : mode.nonceBytes)
  return {
    cipher, mode,
    open: (sessionKey) => openChunks(source, packet === 'v2' ? sealingV2(cipher, mode, code, start, sessionKey) : sealingPacket20(cipher, mode, code, start, sessionKey)),
  }
}

async function take(source: ByteReader, count: number): Promise<Uint8Array> {
  if (!(await source.ensure(count))) throw truncated('the encrypted data')
  return source.take(count)
}

async function* openChunks(source: ByteReader, sealing: Sealing): AsyncGenerator<Uint8Array, void> {
  let total = 0
  for (let index = 0; ; index++) {
    const full = await source.ensure(sealing.chunkBytes + 2 * TAG_BYTES)
    const size = full ? sealing.chunkBytes : source.available - 2 * TAG_BYTES
    if (!full && source.available < TAG_BYTES) throw truncated('the encrypted data')
    if (size > 0) {
      yield opened(sealing, source.take(size + TAG_BYTES), sealing.nonce(index), sealing.associated(index))
      total += size
      if (full) continue
    } else if (size > -TAG_BYTES) throw truncated('the encrypted data')
    const last = size > 0 ? index + 1 : index
    opened(sealing, source.take(TAG_BYTES), sealing.nonce(last), sealing.associated(last, total))
    return
  }
}

function opened({ cipher, mode, key }: Sealing, sealed: Uint8Array, nonce: Uint8Array, associated: Uint8Array): Uint8Array {
  const decryptor = createDecipheriv(runtimeName(cipher, mode), key, nonce, { authTagLength: TAG_BYTES }) as DecipherGCM
  decryptor.setAAD(associated, { plaintextLength: sealed.length - TAG_BYTES })
  decryptor.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decryptor.update(sealed.subarray(0, -TAG_BYTES)), decryptor.final()])
  } catch {
    throw tampered()
  }
}

/** The body of a packet 18 version 2. */
export async function* encryptWithAead(source: AsyncIterable<Uint8Array>, cipher: CipherSpec, mode: AeadSpec, sessionKey: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const salt = randomBytes(SALT_BYTES)
  const sealing = sealingV2(cipher, mode, CHUNK_CODE, salt, sessionKey)
  yield Buffer.concat([Buffer.from([2, cipher.id, mode.id, CHUNK_CODE]), salt])
  const reader = new ByteReader(source)
  let total = 0
  let index = 0
  for (let more = true; more; ) {
    more = await reader.ensure(sealing.chunkBytes)
    const chunk = reader.take(Math.min(sealing.chunkBytes, reader.available))
    if (chunk.length === 0) break
    yield sealed(sealing, chunk, sealing.nonce(index), sealing.associated(index))
    total += chunk.length
    index++
  }
  yield sealed(sealing, Buffer.alloc(0), sealing.nonce(index), sealing.associated(index, total))
}

function sealed({ cipher, mode, key }: Sealing, chunk: Uint8Array, nonce: Uint8Array, associated: Uint8Array): Uint8Array {
  const encryptor = createCipheriv(runtimeName(cipher, mode), key, nonce, { authTagLength: TAG_BYTES }) as CipherGCM
  encryptor.setAAD(associated, { plaintextLength: chunk.length })
  return Buffer.concat([encryptor.update(chunk), encryptor.final(), encryptor.getAuthTag()])
}

function runtimeName(cipher: CipherSpec, mode: AeadSpec): 'aes-256-gcm' {
  // the runtime's types know GCM only; OCB has the same calls
  return `aes-${cipher.keyBytes * 8}-${mode.name}` as 'aes-256-gcm'
}
