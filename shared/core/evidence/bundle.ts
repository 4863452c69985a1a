/** Reading a bundle that anybody may have made: bounded, and every file digested as it comes out. */
import { open, type FileHandle } from 'node:fs/promises'
import { EvidenceManifest } from '../../contract/evidence.ts'
import { openArchive, type ArchivedFile, type ArchiveSource } from '../archives/zip-reader.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { NAMES } from './form.ts'

const GIB = 1024 ** 3
const LIMITS = { files: 1000, bytes: 1024 * GIB, ratio: 200, depth: 4 }
/** What is read as a whole: lists and texts, receipts, certificates. */
const MOST_TEXT_BYTES = 64 * 1024 * 1024

const PIECE_BYTES = 64 * 1024

export interface Bundle {
  readonly manifest: EvidenceManifest
  /** The bytes that were signed. */
  readonly listed: Buffer
  readonly signature: Buffer
  readonly key: string
  readonly names: readonly string[]
  /** Null when there is no such file. */
  bytes(name: string): Promise<Buffer | null>
  stream(name: string): AsyncIterable<Uint8Array> | null
  close(): Promise<void>
}

/** Rejects with `evidence.not_evidence` or `input.unreadable`. */
export async function openBundle(path: string): Promise<Bundle> {
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    const source: ArchiveSource = { size, read: (offset) => readFrom(file, offset) }
    const archive = await openArchive(source, LIMITS)
    const files = new Map(archive.files.map((one) => [one.path, one]))
    const bytes = async (name: string): Promise<Buffer | null> => {
      const found = files.get(name)
      return found === undefined ? null : await wholeOf(found)
    }
    const [listed, signature, key] = [await bytes(NAMES.manifest), await bytes(NAMES.signature), await bytes(NAMES.key)]
    if (listed === null || signature === null || key === null) throw notEvidence('it holds no signed list of its content')
    return {
      manifest: manifestOf(listed),
      listed,
      signature,
      key: key.toString('latin1'),
      names: [...files.keys()],
      bytes,
      stream: (name) => files.get(name)?.read() ?? null,
      async close() {
        archive.close()
        await file.close()
      },
    }
  } catch (error) {
    await file.close()
    // What is said of archives elsewhere is about files for the Inbox.
    throw error instanceof AppError && error.code.startsWith('zip.') ? notEvidence(error.message, error) : error
  }
}

/** A stream of a file handle closes what the next one needs; this one does not. */
async function* readFrom(file: FileHandle, offset: number): AsyncGenerator<Uint8Array, void> {
  for (let position = offset; ; ) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(PIECE_BYTES), position })
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new AppError('input.unreadable', `${path} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

function manifestOf(listed: Buffer): EvidenceManifest {
  try {
    return EvidenceManifest.parse(JSON.parse(listed.toString('utf8')))
  } catch (error) {
    throw notEvidence('its list has another form, or was written by a later version', error)
  }
}

async function wholeOf(file: ArchivedFile): Promise<Buffer> {
  if (file.size > MOST_TEXT_BYTES) throw notEvidence(`${file.path} has ${file.size} bytes, more than any such file has`)
  const pieces: Uint8Array[] = []
  for await (const piece of file.read()) pieces.push(Uint8Array.from(piece))
  return Buffer.concat(pieces)
}

const notEvidence = (message: string, cause?: unknown): AppError => new AppError('evidence.not_evidence', message, { cause })
