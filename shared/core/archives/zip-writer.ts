/** Writing ZIP files: streamed, and the same bytes for the same files wherever and whenever they are written. */
import { Readable } from 'node:stream'

export interface FileToZip {
  /** Its name inside, with `/` between folders. */
  readonly name: string
  /** Left out where it is only known once it was read. */
  readonly size?: number
  /** Milliseconds; kept in whole seconds. */
  readonly modified: number
  read(): AsyncIterable<Uint8Array>
}

const ORDINARY_FILE = 0o100644

/**
 * The bytes of a ZIP file, in the order of the files; ZIP64 where it is needed. An error of a file's stream passes through. Name
 * clashes are the caller's: nothing here looks for them.
 */
export async function* zipped(files: readonly FileToZip[]): AsyncGenerator<Uint8Array, void> {
  const { ZipFile } = await import('yazl')
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  const opened: Readable[] = []
  const fail = (error: Error): void => void output.destroy(error)
  zip.on('error', fail)
  for (const file of files)
    zip.addReadStreamLazy(file.name, { mtime: new UtcTime(file.modified), mode: ORDINARY_FILE, ...(file.size === undefined ? {} : { size: file.size }) }, (give) => {
      const stream = Readable.from(file.read(), { objectMode: false })
      stream.on('error', fail)
      opened.push(stream)
      give(null, stream)
    })
  zip.end()
  try {
    for await (const piece of output) yield piece as Uint8Array
  } finally {
    output.destroy()
    for (const stream of opened) stream.destroy()
  }
}

/** ZIP knows wall clocks only and yazl writes that of this computer, so that the bytes would change with its zone: it is told UTC. */
class UtcTime extends Date {
  override getFullYear = (): number => this.getUTCFullYear()
  override getMonth = (): number => this.getUTCMonth()
  override getDate = (): number => this.getUTCDate()
  override getHours = (): number => this.getUTCHours()
  override getMinutes = (): number => this.getUTCMinutes()
  override getSeconds = (): number => this.getUTCSeconds()
}
