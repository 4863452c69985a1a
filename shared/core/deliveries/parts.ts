/** What is inside a delivery that packs other files: a ZIP file is one delivery, and its files are still found by their own names and contents. */
import type { DeliveryPart } from '../../contract/deliveries.ts'
import type { Database } from '../store/database.ts'

/** Content that is made on the way, instead of a file that is copied. */
export interface MadeContent {
  /** Bytes, at most; for the check of the free space. */
  readonly size: number
  /** The same bytes each time, as long as its files stay the same. Rejects with `delivery.source_*`. */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>
  /** What it holds, once it was read to its end. */
  parts(): readonly DeliveryPart[]
}

export type DeliveryParts = ReturnType<typeof createDeliveryParts>

export function createDeliveryParts(database: Database) {
  return {
    add(delivery: string, parts: readonly DeliveryPart[]): void {
      const insert = database.prepare('INSERT INTO delivery_parts (delivery, position, name, size, sha256) VALUES (?, ?, ?, ?, ?)')
      for (const [position, { name, size, sha256 }] of parts.entries()) insert.run(delivery, position, name, size, sha256)
    },

    of: (delivery: string): DeliveryPart[] => database.prepare<[string], DeliveryPart>('SELECT name, size, sha256 FROM delivery_parts WHERE delivery = ? ORDER BY position').all(delivery),
  }
}
