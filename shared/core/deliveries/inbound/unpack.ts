/** Unpacks a received ZIP file into the payload store: all of it, checked to its last byte, or nothing. */
import type { UnzipStep } from '../../../contract/flow-document.ts'
import type { Delivery } from '../../../contract/deliveries.ts'
import { openArchive } from '../../archives/zip-reader.ts'
import { timestamp } from '../../kernel/clock.ts'
import type { PayloadStore, StoredPayload } from '../../store/payload-store.ts'
import { createMatcher } from './selection.ts'

export interface UnpackedFile {
  readonly stored: StoredPayload
  /** With its folders, as the archive names it. */
  readonly path: string
  readonly modifiedAt: string
}

/** Null: it is no archive that is to be unpacked. Rejects with `zip.*`; nothing stays behind then. */
export type Unpack = (delivery: Delivery, signal: AbortSignal) => Promise<readonly UnpackedFile[] | null>

const MIB = 1024 * 1024

export function createUnpack({ payloads, stepOf, abandon }: { readonly payloads: PayloadStore; /** Contents that were stored in vain. */ readonly abandon: (contents: readonly StoredPayload[]) => void; /** What the flow asks that collects there; null where none does. */ readonly stepOf: (partner: string, connection: string) => UnzipStep | null }): Unpack {
  return async (delivery, signal) => {
    const step = stepOf(delivery.partner, delivery.connection)
    if (step === null || !createMatcher(step.patterns)(delivery.fileName)) return null
    const source = { size: delivery.size, read: (offset: number) => payloads.read(delivery.sha256, { offset, signal }) }
    const archive = await openArchive(source, { files: step.maxFiles, bytes: step.maxMiB * MIB, ratio: step.maxRatio, depth: step.maxDepth })
    const unpacked: UnpackedFile[] = []
    try {
      for (const file of archive.files) {
        signal.throwIfAborted()
        unpacked.push({ stored: await payloads.take(file.read(), file), path: file.path, modifiedAt: timestamp(file.modified) })
      }
      return unpacked
    } catch (error) {
      abandon(unpacked.map(({ stored }) => stored))
      throw error
    } finally {
      archive.close()
    }
  }
}
