/** Files that show how an item is known to be genuine: in the encrypted database, since they are few and small. */
import { createHash } from 'node:crypto'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Database } from '../store/database.ts'
import type { Provenance } from '../../contract/trust.ts'

const MOST_BYTES = 1024 * 1024
const MOST_FILES = 20

export function createAttachments({ database, clock }: { readonly database: Database; readonly clock: Clock }) {
  return {
    /** Rejects with `input.invalid` when it is too large or one too many. Call it inside a transaction. */
    add(item: string, name: string, content: Buffer): NonNullable<Provenance['file']> {
      if (content.length === 0 || content.length > MOST_BYTES) throw new AppError('input.invalid', `${name} has ${content.length} bytes; a file that shows how an item is known has 1 byte to 1 MiB`)
      const present = database.prepare<[string], { n: number }>('SELECT count(*) n FROM provenance_files WHERE item = ?').get(item)?.n ?? 0
      if (present >= MOST_FILES) throw new AppError('input.invalid', `the item has ${present} files already; that is the most`)
      const file = { id: newId('pf', clock.now()), name: name.slice(0, 200), bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
      database.prepare('INSERT INTO provenance_files (id, item, name, sha256, content, at) VALUES (?, ?, ?, ?, ?, ?)').run(file.id, item, file.name, file.sha256, content, timestamp(clock.now()))
      return file
    },

    get(item: string, id: string): { fileName: string; text: string; encoding: 'base64' } {
      const row = database.prepare<[string, string], { name: string; content: Buffer }>('SELECT name, content FROM provenance_files WHERE item = ? AND id = ?').get(item, id)
      if (row === undefined) throw new AppError('input.not_found', `there is no file ${id} for ${item}`)
      return { fileName: row.name, text: row.content.toString('base64'), encoding: 'base64' }
    },
  }
}
