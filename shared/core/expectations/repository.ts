/** Expectations, one case a due time, and the looks at partners' folders. */
import { ExpectationDocument, type CaseState, type ExpectedFile } from '../../contract/expectations.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import type { CaseTimes } from './rules.ts'

export interface StoredExpectation {
  readonly document: ExpectationDocument
  readonly holidays: readonly string[]
  readonly accountedUntil: number
  readonly lastDue: number | null
  readonly updatedAt: string
}

export interface StoredCase extends CaseTimes {
  readonly expectation: string
  readonly partner: string
  readonly state: CaseState
  readonly reason: string
  readonly files: readonly ExpectedFile[]
  readonly checkAt: number | null
  readonly changedAt: string
}

/** One look at a partner's folder. */
export interface Look {
  readonly partner: string
  readonly connection: string
  /** Milliseconds. */
  readonly at: number
  readonly folder: string
  readonly listed: number
  readonly digest: string | null
  readonly matched: Readonly<Record<string, number>>
  /** Code of the error; null when the folder was seen. */
  readonly error: string | null
}

interface Row { document: string; holidays: string; accounted_until: number; last_due: number | null; updated_at: string }
interface CaseRow { expectation: string; due: number; partner: string; from_at: number; deadline: number; until_at: number; state: CaseState; reason: string; files: string; check_at: number | null; changed_at: string }

export type ExpectationRepository = ReturnType<typeof createExpectationRepository>

export function createExpectationRepository(database: Database) {
  const repository = {
    find(id: string): StoredExpectation | null {
      const row = database.prepare<[string], Row>('SELECT * FROM expectations WHERE id = ?').get(id)
      return row === undefined ? null : storedOf(row)
    },

    get(id: string): StoredExpectation {
      const found = repository.find(id)
      if (found === null) throw new AppError('input.not_found', `there is no expectation ${id}`)
      return found
    },

    all: (): StoredExpectation[] => database.prepare<[], Row>('SELECT * FROM expectations ORDER BY id').all().flatMap(readable),

    /** What is expected from one partner, watched or not. */
    ofPartner: (partner: string): StoredExpectation[] => database.prepare<[string], Row>("SELECT * FROM expectations WHERE json_extract(document, '$.partner') = ? ORDER BY id").all(partner).flatMap(readable),

    save(document: ExpectationDocument, facts: { at: string; holidays: readonly string[]; accountedUntil: number; lastDue: number | null; opensAt: number | null }): void {
      database
        .prepare(
          `INSERT INTO expectations (id, document, holidays, accounted_until, last_due, opens_at, updated_at) VALUES (@id, @document, @holidays, @accountedUntil, @lastDue, @opensAt, @at)
           ON CONFLICT (id) DO UPDATE SET document = @document, holidays = @holidays, accounted_until = @accountedUntil, last_due = @lastDue, opens_at = @opensAt, updated_at = @at`,
        )
        .run({ ...facts, id: document.id, document: JSON.stringify(document), holidays: JSON.stringify(facts.holidays) })
    },

    remove(id: string): void {
      database.prepare('DELETE FROM expectations WHERE id = ?').run(id)
      database.prepare('UPDATE expectation_cases SET check_at = NULL WHERE expectation = ?').run(id)
    },

    opening: (now: number): StoredExpectation[] => database.prepare<[number], Row>('SELECT * FROM expectations WHERE opens_at <= ? ORDER BY opens_at').all(now).flatMap(readable),

    account(id: string, accountedUntil: number, lastDue: number | null, opensAt: number | null): void {
      database.prepare('UPDATE expectations SET accounted_until = ?, last_due = ?, opens_at = ? WHERE id = ?').run(accountedUntil, lastDue, opensAt, id)
    },

    addCase(entry: StoredCase): void {
      database
        .prepare(
          `INSERT INTO expectation_cases (expectation, due, partner, from_at, deadline, until_at, state, reason, files, check_at, changed_at)
           VALUES (@expectation, @due, @partner, @from, @deadline, @until, @state, @reason, @files, @checkAt, @changedAt) ON CONFLICT DO NOTHING`,
        )
        .run({ ...entry, files: JSON.stringify(entry.files) })
    },

    updateCase(entry: StoredCase): void {
      database
        .prepare('UPDATE expectation_cases SET state = @state, reason = @reason, files = @files, check_at = @checkAt, changed_at = @changedAt WHERE expectation = @expectation AND due = @due')
        .run({ expectation: entry.expectation, due: entry.due, state: entry.state, reason: entry.reason, files: JSON.stringify(entry.files), checkAt: entry.checkAt, changedAt: entry.changedAt })
    },

    /** Cases that had not begun when the expectation changed are made anew. */
    dropOpen(expectation: string): void {
      database.prepare("DELETE FROM expectation_cases WHERE expectation = ? AND check_at IS NOT NULL AND state = 'waiting'").run(expectation)
      database.prepare('UPDATE expectation_cases SET check_at = NULL WHERE expectation = ?').run(expectation)
    },

    /** When time alone may change something the next time. */
    nextLookAt(): number | null {
      return database.prepare<[], { at: number | null }>('SELECT min(at) at FROM (SELECT min(check_at) at FROM expectation_cases WHERE check_at IS NOT NULL UNION ALL SELECT min(opens_at) FROM expectations WHERE opens_at IS NOT NULL)').get()?.at ?? null
    },

    openCases: (): StoredCase[] => database.prepare<[], CaseRow>('SELECT * FROM expectation_cases WHERE check_at IS NOT NULL ORDER BY due').all().map(caseOf),

    findCase(expectation: string, due: number): StoredCase | null {
      const row = database.prepare<[string, number], CaseRow>('SELECT * FROM expectation_cases WHERE expectation = ? AND due = ?').get(expectation, due)
      return row === undefined ? null : caseOf(row)
    },

    cases(query: { expectation?: string | undefined; state?: readonly CaseState[] | undefined; since?: string | undefined; limit: number }): StoredCase[] {
      return database
        .prepare<[Record<string, unknown>], CaseRow>(
          `SELECT * FROM expectation_cases WHERE (@expectation IS NULL OR expectation = @expectation) AND (@since IS NULL OR due >= @since)
           AND (@state IS NULL OR state IN (SELECT value FROM json_each(@state))) ORDER BY due DESC LIMIT @limit`,
        )
        .all({ expectation: query.expectation ?? null, since: query.since === undefined ? null : Date.parse(query.since), state: query.state === undefined ? null : JSON.stringify(query.state), limit: query.limit })
        .map(caseOf)
    },

    addLook(look: Look): void {
      database
        .prepare('INSERT INTO looks (partner, connection, at, folder, listed, digest, matched, error) VALUES (@partner, @connection, @at, @folder, @listed, @digest, @matched, @error)')
        .run({ ...look, matched: JSON.stringify(look.matched) })
    },

    looks(partner: string, connection: string | undefined, from: number, until: number): Look[] {
      return database
        .prepare<[Record<string, unknown>], Omit<Look, 'matched'> & { matched: string }>('SELECT * FROM looks WHERE partner = @partner AND at > @from AND at <= @until AND (@connection IS NULL OR connection = @connection) ORDER BY at')
        .all({ partner, connection: connection ?? null, from, until })
        .map((row) => ({ partner: row.partner, connection: row.connection, at: row.at, folder: row.folder, listed: row.listed, digest: row.digest, error: row.error, matched: JSON.parse(row.matched) as Record<string, number> }))
    },

    countLooks(partner: string, connection: string | undefined, from: number, until: number): { total: number; failed: number; lastAt: number | null } {
      const row = database
        .prepare<[Record<string, unknown>], { total: number; failed: number; last_at: number | null }>('SELECT count(*) total, count(error) failed, max(at) last_at FROM looks WHERE partner = @partner AND at > @from AND at <= @until AND (@connection IS NULL OR connection = @connection)')
        .get({ partner, connection: connection ?? null, from, until })
      return { total: row?.total ?? 0, failed: row?.failed ?? 0, lastAt: row?.last_at ?? null }
    },

    forgetBefore(at: number): void {
      // The oldest come first; a bounded part at a time.
      database.prepare('DELETE FROM looks WHERE id IN (SELECT id FROM (SELECT id, at FROM looks ORDER BY id LIMIT 20000) WHERE at < ?)').run(at)
      database.prepare('DELETE FROM expectation_cases WHERE due < ? AND check_at IS NULL').run(at)
    },
  }
  return repository
}

function storedOf(row: Row): StoredExpectation {
  return { document: ExpectationDocument.parse(JSON.parse(row.document)), holidays: JSON.parse(row.holidays) as string[], accountedUntil: row.accounted_until, lastDue: row.last_due, updatedAt: row.updated_at }
}

/** A damaged row never breaks a list. */
function readable(row: Row): StoredExpectation[] {
  try {
    return [storedOf(row)]
  } catch {
    return []
  }
}

function caseOf(row: CaseRow): StoredCase {
  return {
    expectation: row.expectation, due: row.due, partner: row.partner, from: row.from_at, deadline: row.deadline, until: row.until_at,
    state: row.state, reason: row.reason, files: JSON.parse(row.files) as ExpectedFile[], checkAt: row.check_at, changedAt: row.changed_at,
  }
}
