import { PartnerDocument } from '../../contract/partner-document.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import { keptOf } from '../store/kept.ts'

/** A partner as stored. */
export interface StoredPartner {
  readonly id: string
  readonly document: PartnerDocument
  readonly suspended: boolean
  readonly practice: boolean
  readonly createdAt: string
  readonly updatedAt: string
}

interface Row {
  id: string
  document: string
  suspended: number
  practice: number
  created_at: string
  updated_at: string
}

export type PartnerRepository = ReturnType<typeof createPartnerRepository>

export function createPartnerRepository(database: Database) {
  let changes = 0
  const kept = keptOf<StoredPartner | null>(database, 'partners')
  const writing = (): void => {
    changes++
    kept.written()
  }
  /** By partner: what was read last, as most reads are of what was read before. */
  const known = new Map<string, { readonly text: string; readonly document: PartnerDocument }>()

  const documentOf = ({ id, document: text }: Row): PartnerDocument => {
    const last = known.get(id)
    if (last?.text === text) return last.document
    const document = PartnerDocument.parse(JSON.parse(text))
    known.set(id, { text, document })
    return document
  }

  const storedOf = (row: Row): StoredPartner => ({
    id: row.id,
    document: documentOf(row),
    suspended: row.suspended === 1,
    practice: row.practice === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  })

  /** A damaged document must not take the whole list with it; opening that partner says what is wrong. */
  const readable = (row: Row): StoredPartner[] => {
    try {
      return [storedOf(row)]
    } catch {
      return []
    }
  }

  const repository = {
    find(id: string): StoredPartner | null {
      return kept.of(id, () => {
        const row = database.prepare<[string], Row>('SELECT * FROM partners WHERE id = ? AND removed_at IS NULL').get(id)
        return row === undefined ? null : storedOf(row)
      })
    },

    get(id: string): StoredPartner {
      const found = repository.find(id)
      if (found === null) throw new AppError('input.not_found', `there is no partner ${id}`)
      return found
    },

    list(query: { limit: number; offset?: number | undefined; search?: string | undefined }): { partners: StoredPartner[]; total: number } {
      const where = `WHERE removed_at IS NULL AND (@search IS NULL OR instr(lower(id || ' ' || name), lower(@search)) > 0)`
      const values = { search: query.search ?? null }
      const total = database.prepare<[typeof values], { n: number }>(`SELECT count(*) n FROM partners ${where}`).get(values)?.n ?? 0
      const rows = database.prepare<[Record<string, unknown>], Row>(`SELECT * FROM partners ${where} ORDER BY lower(name), id LIMIT @limit OFFSET @offset`).all({ ...values, limit: query.limit, offset: query.offset ?? 0 })
      return { partners: rows.flatMap((row) => readable(row)), total }
    },

    /** Every partner there is; damaged documents are left out. */
    all(): StoredPartner[] {
      return database.prepare<[], Row>('SELECT * FROM partners WHERE removed_at IS NULL ORDER BY id').all().flatMap((row) => readable(row))
    },

    /** Grows with every change of any partner; one process owns the workspace. */
    version: (): number => changes,

    save(document: PartnerDocument, facts: { practice: boolean; at: string }): void {
      writing()
      database
        .prepare(
          `INSERT INTO partners (id, name, document, practice, created_at, updated_at) VALUES (@id, @name, @document, @practice, @at, @at)
           ON CONFLICT (id) DO UPDATE SET name = @name, document = @document, practice = @practice, updated_at = @at,
             suspended = CASE WHEN removed_at IS NULL THEN suspended ELSE 0 END, removed_at = NULL`,
        )
        .run({ id: document.id, name: document.name, document: JSON.stringify(document), practice: Number(facts.practice), at: facts.at })
    },

    setSuspended(id: string, suspended: boolean, at: string): void {
      writing()
      database.prepare('UPDATE partners SET suspended = ?, updated_at = ? WHERE id = ?').run(Number(suspended), at, id)
    },

    remove(id: string, at: string): void {
      writing()
      database.prepare('UPDATE partners SET removed_at = ?, updated_at = ? WHERE id = ?').run(at, at, id)
    },

    touch(id: string, at: string): void {
      writing()
      database.prepare('UPDATE partners SET updated_at = ? WHERE id = ?').run(at, id)
    },
  }
  return repository
}
