/** How the pages of a database are encrypted. */
import { closeSync, openSync, readSync } from 'node:fs'
import { AppError, systemCode } from '../kernel/errors.ts'

/**
 * `aegis`: AEGIS-256 (draft-irtf-cfrg-aegis-aead), a 256-bit key, for each page a random nonce and a tag of 256 bits; on processors that have
 * instructions for AES it takes a small part of what ChaCha20 takes. `chacha20`: ChaCha20-Poly1305, which files have that were made before.
 */
export type PageCipher = 'aegis' | 'chacha20'

/** Of a file that is not there yet. */
const OF_NEW_FILES: PageCipher = 'aegis'
/** Bytes at the end of each page for nonce and tag. */
const BY_RESERVED_BYTES: Readonly<Record<number, PageCipher>> = { 64: 'aegis', 32: 'chacha20' }
/** Where the first page says in the clear how many these are, as in every file of SQLite. */
const RESERVED_AT = 20

/**
 * Asked before SQLite opens the file: with another cipher it would find nothing readable in the log of a process that was killed, and remove it.
 * Throws `workspace.corrupt` for what is no database of ours.
 */
export function cipherOf(file: string): PageCipher {
  const reserved = byteAt(file, RESERVED_AT)
  if (reserved === null) return OF_NEW_FILES
  const cipher = BY_RESERVED_BYTES[reserved]
  if (cipher === undefined) throw new AppError('workspace.corrupt', 'the file is not a database of this program')
  return cipher
}

/** Null when the file is not there or ends before. */
function byteAt(path: string, at: number): number | null {
  const bytes = Buffer.alloc(1)
  try {
    const file = openSync(path, 'r')
    try {
      return readSync(file, bytes, 0, 1, at) === 1 ? (bytes[0] ?? null) : null
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw new AppError('workspace.read_only', error instanceof Error ? error.message : String(error), { cause: error })
  }
}
