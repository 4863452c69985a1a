/** Passwords and private keys, sealed one by one inside the encrypted database. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Database } from './database.ts'
import { keptOf } from './kept.ts'
import { AppError } from '../kernel/errors.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'

export interface SealedSecrets {
  put(id: string, value: string): void
  /** Null when nothing is sealed under the id. Rejects with `workspace.corrupt` when the record was tampered with or moved. */
  get(id: string): string | null
  delete(id: string): void
  /** Which secrets there are below a prefix, and since when; never what they are. */
  ages(prefix: string): readonly { readonly id: string; readonly sealedAt: string }[]
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** AES-256-GCM under a key of its own; the record's id is authenticated, so that sealed values cannot change places. */
export function createSealedSecrets(database: Database, dataKey: Buffer, clock: Clock): SealedSecrets {
  const key = Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), 'waybill secrets 1', 32))
  /** Under which ids something is sealed; what is sealed is read each time. */
  const sealed = keptOf<boolean>(database, 'secrets')

  return {
    put(id, value) {
      sealed.written()
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id))
      const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
      database
        .prepare('INSERT INTO secrets (id, sealed, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at')
        .run(id, Buffer.concat([nonce, cipher.getAuthTag(), body]), timestamp(clock.now()))
    },
    get(id) {
      const find = (): { sealed: Buffer } | undefined => database.prepare<[string], { sealed: Buffer }>('SELECT sealed FROM secrets WHERE id = ?').get(id)
      if (!sealed.of(id, () => find() !== undefined)) return null
      const row = find()
      if (row === undefined) return null
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, row.sealed.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(id))
          .setAuthTag(row.sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
        return Buffer.concat([decipher.update(row.sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
      } catch (error) {
        throw new AppError('workspace.corrupt', `the sealed record ${id} does not open`, { cause: error })
      }
    },
    delete(id) {
      sealed.written()
      database.prepare('DELETE FROM secrets WHERE id = ?').run(id)
    },
    ages: (prefix) => database.prepare<[number, string], { id: string; sealedAt: string }>('SELECT id, created_at sealedAt FROM secrets WHERE substr(id, 1, ?) = ?').all(prefix.length, prefix),
  }
}
