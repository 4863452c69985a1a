/**
 * Reading ZIP files that strangers made. The whole directory is judged before a single byte is unpacked; what is declared there is
 * held against what comes out. Nothing is written here: whoever reads decides what becomes of the content.
 */
import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { callbackify } from 'node:util'
import { crc32 } from 'node:zlib'
import { fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader, type Entry, type ZipFile } from 'yauzl'
import { AppError } from '../kernel/errors.ts'

/** The archive, readable from any offset. */
export interface ArchiveSource {
  readonly size: number
  read(offset: number): AsyncIterable<Uint8Array>
}

export interface ArchiveLimits {
  readonly files: number
  /** Bytes of all files together. */
  readonly bytes: number
  /** How many times larger than the archive the files may be. */
  readonly ratio: number
  /** Folders within folders. */
  readonly depth: number
}

export interface ArchivedFile {
  /** With its folders, `/` between them; judged: it leads out of nowhere. */
  readonly path: string
  readonly size: number
  /** Milliseconds. */
  readonly modified: number
  /** Rejects with `zip.damaged` at the end when size or checksum are others than declared. */
  read(): AsyncIterable<Uint8Array>
}

/** Small archives may be as well packed as they like: a list of zeros is no attack. */
const HARMLESS_BYTES = 8 * 1024 * 1024
/** Read at once while the directory is read in small steps. */
const WINDOW_BYTES = 256 * 1024

/** Rejects with `zip.*`. Folders are not listed. Call `close` in the end. */
export async function openArchive(source: ArchiveSource, limits: ArchiveLimits): Promise<{ readonly files: readonly ArchivedFile[]; close(): void }> {
  const zip = await inOurWords(async () => await fromRandomAccessReaderPromise(new SourceReader(source), source.size, { autoClose: false, decodeStrings: false, validateEntrySizes: true }))
  try {
    const entries = await readDirectory(zip, source, limits)
    return { files: entries.map(({ entry, path }) => ({ path, size: entry.uncompressedSize, modified: entry.getLastModDate({ timezone: 'UTC' }).getTime(), read: () => contentOf(zip, entry, path) })), close: () => zip.close() }
  } catch (error) {
    zip.close()
    throw error
  }
}

interface Judged {
  readonly entry: Entry
  readonly path: string
}

async function readDirectory(zip: ZipFile, source: ArchiveSource, limits: ArchiveLimits): Promise<Judged[]> {
  if (zip.entryCount > limits.files * 2 + 1000) throw tooLarge(`it has ${zip.entryCount} entries`, `${limits.files} files`)
  const judged: Judged[] = []
  const names = new Set<string>()
  const total = { packed: 0, bytes: 0 }
  await inOurWords(async () => {
    for await (const entry of zip.eachEntry()) {
      const path = judgeEntry(entry, limits)
      const key = path.replace(/\/$/, '').normalize('NFC').toLowerCase()
      if (names.has(key)) throw new AppError('zip.duplicate_name', `${quoted(path)} is there twice`, { details: { name: path } })
      names.add(key)
      total.packed += entry.compressedSize
      total.bytes += entry.uncompressedSize
      if (path.endsWith('/')) continue
      judged.push({ entry, path })
      if (judged.length > limits.files) throw tooLarge(`it has more than ${limits.files} files`, `${limits.files} files`)
      if (total.bytes > limits.bytes) throw tooLarge(`its files have more than ${limits.bytes} bytes together`, `${limits.bytes} bytes`)
      if (total.bytes > HARMLESS_BYTES && total.bytes > limits.ratio * source.size) throw tooLarge(`its files are more than ${limits.ratio} times as large as the archive`, `${limits.ratio} times the size of the archive`)
    }
  })
  // Entries that share the same bytes: how a small archive declares petabytes.
  if (total.packed > source.size) throw damaged('its files overlap each other')
  for (const one of judged) await compareLocalHeader(zip, one)
  return judged
}

/** The path of an entry that may be unpacked. */
function judgeEntry(entry: Entry, limits: ArchiveLimits): string {
  const path = pathOf(entry)
  const problem = problemOfPath(path)
  if (problem !== null) throw new AppError('zip.unsafe_name', `${quoted(path)}: ${problem}`, { details: { name: path } })
  if (entry.isEncrypted()) throw new AppError('zip.encrypted', `${quoted(path)} is encrypted`, { details: { name: path } })
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000
  if (kind !== 0 && kind !== 0o100000 && kind !== 0o040000) throw new AppError('zip.not_a_file', `${quoted(path)} is ${kind === 0o120000 ? 'a symbolic link' : 'no ordinary file'}`, { details: { name: path } })
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) throw new AppError('zip.unsupported', `${quoted(path)} is packed by method ${entry.compressionMethod}`, { details: { method: String(entry.compressionMethod) } })
  if (path.split('/').length - 1 > limits.depth) throw tooLarge(`${quoted(path)} lies more than ${limits.depth} folders deep`, `${limits.depth} folders`)
  return path
}

const UTF8_NAMES = 0x800

/** Info-ZIP without a locale and macOS write UTF-8 and do not say so; the old code page otherwise. Backslashes stay what they are, so that they are seen. */
function pathOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string {
  return getFileNameLowLevel(isUtf8(fileNameRaw) ? generalPurposeBitFlag | UTF8_NAMES : generalPurposeBitFlag, fileNameRaw, extraFields, true)
}

/** Why a path must not be used; null when it is a plain one below where it is unpacked. */
function problemOfPath(path: string): string | null {
  if (path === '') return 'it has no name'
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it holds control characters'
  if (path.includes('\\')) return 'it holds a backslash, which leads elsewhere on Windows'
  if (path.startsWith('/')) return 'it begins at the root'
  if (/^[a-z]:/i.test(path)) return 'it names a drive'
  const parts = path.replace(/\/$/, '').split('/')
  if (parts.includes('..')) return 'it leads out of the folder'
  return parts.some((part) => part === '' || part === '.') ? 'it has an empty part' : null
}

/** Programs that read from the front would otherwise unpack something else than those that read the directory. */
async function compareLocalHeader(zip: ZipFile, { entry, path }: Judged): Promise<void> {
  const local = await inOurWords(async () => await zip.readLocalFileHeaderPromise(entry))
  if (!local.fileName.equals(entry.fileNameRaw) || local.compressionMethod !== entry.compressionMethod || (local.generalPurposeBitFlag & 1) !== (entry.generalPurposeBitFlag & 1))
    throw damaged(`${quoted(path)} is named or packed otherwise in the directory than at its place`)
}

async function* contentOf(zip: ZipFile, entry: Entry, path: string): AsyncGenerator<Uint8Array, void> {
  let [size, sum] = [0, 0]
  const stream = await inOurWords(async () => await zip.openReadStreamPromise(entry))
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > entry.uncompressedSize) break
      sum = crc32(piece, sum)
      yield piece
    }
  } catch (error) {
    throw asOurs(error)
  } finally {
    stream.destroy()
  }
  if (size !== entry.uncompressedSize) throw damaged(`${quoted(path)} has another size than declared`)
  if (sum !== entry.crc32) throw damaged(`${quoted(path)} has another checksum than declared`)
}

/** Serves yauzl from a source that can be read from any offset. */
class SourceReader extends RandomAccessReader {
  readonly #source: ArchiveSource
  #window = { start: 0, bytes: Buffer.alloc(0) }

  constructor(source: ArchiveSource) {
    super()
    this.#source = source
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(slice(this.#source, start, end), { objectMode: false })
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null, bytesRead?: number) => void): void {
    callbackify(async () => (await this.#load(position, length)).copy(buffer, offset))(callback)
  }

  /** The directory is read in steps of a few bytes: it comes from a window. */
  async #load(position: number, length: number): Promise<Buffer> {
    const { start, bytes } = this.#window
    if (position < start || position + length > start + bytes.length) {
      const end = Math.min(this.#source.size, position + Math.max(length, WINDOW_BYTES))
      const parts: Uint8Array[] = []
      for await (const piece of slice(this.#source, position, end)) parts.push(Uint8Array.from(piece))
      this.#window = { start: position, bytes: Buffer.concat(parts) }
    }
    const from = position - this.#window.start
    return this.#window.bytes.subarray(from, from + length)
  }
}

async function* slice(source: ArchiveSource, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  let left = end - start
  if (left <= 0 || start < 0) return
  for await (const piece of source.read(start)) {
    yield piece.length > left ? piece.subarray(0, left) : piece
    left -= piece.length
    if (left <= 0) return
  }
}

async function inOurWords<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw asOurs(error)
  }
}

function asOurs(error: unknown): unknown {
  if (error instanceof AppError || (error instanceof Error && error.name === 'AbortError')) return error
  const message = error instanceof Error ? error.message : 'unknown reason'
  if (message.startsWith('strong encryption')) return new AppError('zip.encrypted', 'its entries are encrypted', { cause: error })
  return damaged(message, error)
}

function damaged(message: string, cause?: unknown): AppError {
  return new AppError('zip.damaged', message, { cause })
}

function tooLarge(message: string, limit: string): AppError {
  return new AppError('zip.too_large', message, { details: { limit } })
}

/** A hostile name in a message: short, and without what would change the line. */
function quoted(path: string): string {
  // oxlint-disable-next-line no-control-regex -- see above
  return `"${path.slice(0, 120).replaceAll(/[\u0000-\u001f\u007f\u202a-\u202e]/g, '?')}"`
}
