/** Digests of message signatures, kept while the content streams by. */
import { createHash, type Hash } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'

const HASHES: Readonly<Record<number, { readonly name: string; readonly runtime: string }>> = {
  1: { name: 'MD5', runtime: 'md5' }, 2: { name: 'SHA-1', runtime: 'sha1' }, 3: { name: 'RIPEMD-160', runtime: 'ripemd160' },
  8: { name: 'SHA-256', runtime: 'sha256' }, 9: { name: 'SHA-384', runtime: 'sha384' }, 10: { name: 'SHA-512', runtime: 'sha512' },
  11: { name: 'SHA-224', runtime: 'sha224' }, 12: { name: 'SHA3-256', runtime: 'sha3-256' }, 14: { name: 'SHA3-512', runtime: 'sha3-512' },
}

export const SHA1 = 2
const WEAK: readonly number[] = [1, 2, 3]

export function hashName(id: number): string {
  return HASHES[id]?.name ?? `number ${id}`
}

export function isWeakHash(id: number): boolean {
  return WEAK.includes(id)
}

export interface RunningDigest {
  update(chunk: Uint8Array): void
  /** The digest of all that was passed and of `ending`; more may be asked for with other endings. */
  digestWith(ending: Uint8Array): Uint8Array
}

/** `text`: line ends count as CR LF (RFC 9580 5.2.1.2). Throws `pgp.unsupported`. */
export function createRunningDigest(hash: number, form: 'binary' | 'text', salt?: Uint8Array): RunningDigest {
  const runtime = HASHES[hash]?.runtime
  if (runtime === undefined) throw new AppError('pgp.unsupported', `the hash ${hashName(hash)}`)
  const running: Hash = createHash(runtime)
  if (salt !== undefined) running.update(salt)
  const lineEnds = form === 'text' ? createLineEnds() : undefined
  return {
    update: (chunk) => void running.update(lineEnds === undefined ? chunk : lineEnds(chunk)),
    digestWith: (ending) => running.copy().update(ending).digest(),
  }
}

/** LF becomes CR LF; what is CR LF already stays, also across two chunks. */
function createLineEnds(): (chunk: Uint8Array) => Uint8Array {
  let afterReturn = false
  return (chunk) => {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    const kept = afterReturn && text.startsWith('\n') ? '\n' : ''
    if (text !== '') afterReturn = text.endsWith('\r')
    return Buffer.from(kept + text.slice(kept.length).replaceAll(/\r?\n/g, '\r\n'), 'latin1')
  }
}
