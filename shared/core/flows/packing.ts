/** Files of a flow as one ZIP file, made anew from the files each time: nothing is left on the disk, and the same files give the same bytes. */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { zipped } from '../archives/zip-writer.ts'
import type { DeliveryPart } from '../../contract/deliveries.ts'
import type { MadeContent } from '../deliveries/parts.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import type { StandingFile } from './rules.ts'

export interface FileToPack {
  readonly file: StandingFile
  /** Its name inside. */
  readonly inside: string
}

/** A directory entry, twice, with the longest name; beside what deflate adds to what cannot be packed. */
const OVERHEAD_BYTES = 1024
const READ_BYTES = 256 * 1024

/** Rejects with `flow.same_name_inside`. */
export function packFiles(files: readonly FileToPack[]): MadeContent & { /** SHA-256 of a file's own content, once all was read. */ readonly sha256Of: (file: StandingFile) => string } {
  refuseSameNames(files)
  // In an order of their own: how a folder happens to be listed must not change the bytes.
  const ordered = files.toSorted((left, right) => (left.inside < right.inside ? -1 : 1))
  const hashes = new Map<string, string>()
  return {
    size: files.reduce((sum, { file }) => sum + file.size + Math.ceil(file.size / 1000) + OVERHEAD_BYTES, 0),
    read: (signal) => zipped(ordered.map(({ file, inside }) => ({ name: inside, size: file.size, modified: file.modified, read: () => contentOf(file, signal, (sha256) => hashes.set(file.path, sha256)) }))),
    parts: () => ordered.map(({ file }): DeliveryPart => ({ name: file.name, size: file.size, sha256: hashes.get(file.path) ?? '' })),
    sha256Of: ({ path }) => hashes.get(path) ?? '',
  }
}

function refuseSameNames(files: readonly FileToPack[]): void {
  const names = new Map<string, string>()
  for (const { file, inside } of files) {
    const key = inside.normalize('NFC').toLowerCase()
    const other = names.get(key)
    if (other !== undefined) throw new AppError('flow.same_name_inside', `${other} and ${file.name} would both be ${inside}`, { details: { name: inside } })
    names.set(key, file.name)
  }
}

/** The file that was chosen and no other: whole, and unchanged to the end. */
async function* contentOf(file: StandingFile, signal: AbortSignal, done: (sha256: string) => void): AsyncGenerator<Uint8Array, void> {
  const handle = await open(file.path, 'r').catch((error: unknown) => {
    throw new AppError('delivery.source_unreadable', `${file.name} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  })
  const digest = createHash('sha256')
  try {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, file.size + 1))
    for (let position = 0; ; ) {
      signal.throwIfAborted()
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) break
      position += bytesRead
      if (position > file.size) throw changed(file)
      const piece = Buffer.from(buffer.subarray(0, bytesRead))
      digest.update(piece)
      yield piece
    }
  } finally {
    await handle.close()
  }
  const found = await stat(file.path).catch(() => null)
  if (found === null) throw new AppError('delivery.source_vanished', `${file.name} was removed while it was being read`)
  if (found.size !== file.size || Math.floor(found.mtimeMs) !== file.modified) throw changed(file)
  done(digest.digest('hex'))
}

function changed(file: StandingFile): AppError {
  return new AppError('delivery.source_changed', `${file.name} is another one than when it was chosen`)
}
