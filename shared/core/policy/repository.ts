/** Tables of the policy: approvals, reviews, refusals, uses of exceptions, reminders. */
import type { RelianceFact } from '../../contract/policy.ts'
import type { Database } from '../store/database.ts'
import { keptOf } from '../store/kept.ts'
import type { Refusal } from './facts.ts'

export interface ApprovalRow {
  readonly at: string
  readonly approver: string
  readonly reason: string
  readonly lock: string
  readonly signature: string
  readonly public_key: string
}

export interface ReviewRow {
  readonly partner: string
  readonly at: string
  readonly reviewer: string
  readonly note: string | null
  readonly due: string
}

export interface Use extends RelianceFact {
  readonly delivery: string
  readonly attempt: string
  readonly partner: string
  readonly connection: string
}

export type PolicyRepository = ReturnType<typeof createPolicyRepository>

const HARDENED = 'policy.hardened'
const DEFAULTS = 'policy.everyone'

export function createPolicyRepository(database: Database) {
  const kept = keptOf<string | null>(database, 'settings of the policy')
  const approved = keptOf<number>(database, 'approvals of the policy')
  const setting = (key: string): string | undefined => kept.of(key, () => database.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(key)?.value ?? null) ?? undefined
  const setSetting = (key: string, value: string): void => {
    kept.written()
    database.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
  }

  return {
    hardened: (): boolean => setting(HARDENED) === 'true',
    setHardened: (on: boolean): void => setSetting(HARDENED, String(on)),
    /** Everyone's changes as they were written, as JSON; undefined: none. */
    defaults: (): string | undefined => setting(DEFAULTS),
    setDefaults: (text: string): void => setSetting(DEFAULTS, text),

    lastApproval: (): ApprovalRow | undefined => database.prepare<[], ApprovalRow>('SELECT * FROM policy_approvals ORDER BY id DESC LIMIT 1').get(),
    /** Changes with every approval. */
    approvals: (): number => approved.of('count', () => database.prepare<[], { n: number }>('SELECT coalesce(max(id), 0) n FROM policy_approvals').get()?.n ?? 0),
    insertApproval(row: ApprovalRow): void {
      approved.written()
      database.prepare('INSERT INTO policy_approvals (at, approver, reason, lock, signature, public_key) VALUES (@at, @approver, @reason, @lock, @signature, @public_key)').run({ ...row })
    },

    lastReview: (partner: string): ReviewRow | undefined => database.prepare<[string], ReviewRow>('SELECT * FROM policy_reviews WHERE partner = ? ORDER BY id DESC LIMIT 1').get(partner),
    lastReviews: (): ReviewRow[] => database.prepare<[], ReviewRow>('SELECT r.* FROM policy_reviews r JOIN (SELECT partner, max(id) id FROM policy_reviews GROUP BY partner) newest ON newest.id = r.id').all(),
    insertReview: (row: ReviewRow): void => void database.prepare('INSERT INTO policy_reviews (partner, at, reviewer, note, due) VALUES (@partner, @at, @reviewer, @note, @due)').run({ ...row }),

    noteRefusal(refusal: Omit<Refusal, 'firstAt' | 'lastAt' | 'times'> & { readonly at: string }): void {
      database
        .prepare(
          `INSERT INTO policy_refusals (partner, connection, direction, rule, seen, asked, exception, first_at, last_at, times, delivery)
           VALUES (@partner, @connection, @direction, @rule, @seen, @asked, @exception, @at, @at, 1, @delivery)
           ON CONFLICT DO UPDATE SET asked = @asked, exception = @exception, last_at = @at, times = times + 1, delivery = coalesce(@delivery, delivery)`,
        )
        .run({ ...refusal })
    },
    refusals: (partner?: string): Refusal[] =>
      database
        .prepare<[string | null, string | null], Refusal>('SELECT partner, connection, direction, rule, seen, asked, exception, first_at firstAt, last_at lastAt, times, delivery FROM policy_refusals WHERE ? IS NULL OR partner = ? ORDER BY last_at DESC LIMIT 2000')
        .all(partner ?? null, partner ?? null),

    /** False when it was noted before. */
    noteUse: (use: Use, at: string): boolean =>
      database.prepare('INSERT INTO exception_uses (delivery, attempt, rule, allow, partner, connection, seen, reason, owner, until, at) VALUES (@delivery, @attempt, @rule, @allow, @partner, @connection, @seen, @reason, @owner, @until, @at) ON CONFLICT DO NOTHING').run({ ...use, at }).changes > 0,
    usesOf: (delivery: string): Use[] => database.prepare<[string], Use>('SELECT delivery, attempt, rule, allow, partner, connection, seen, reason, owner, until FROM exception_uses WHERE delivery = ? ORDER BY at, rule').all(delivery),
    usage: (partner: string): { allow: string; until: string; connection: string; deliveries: number; lastAt: string; lastDelivery: string }[] =>
      database
        .prepare<[string], { allow: string; until: string; connection: string; deliveries: number; lastAt: string; lastDelivery: string }>('SELECT allow, until, connection, count(DISTINCT delivery) deliveries, max(at) lastAt, delivery lastDelivery FROM exception_uses WHERE partner = ? GROUP BY allow, until, connection')
        .all(partner),

    /** False when it was said before. */
    noteReminder: (about: string, step: string, at: string): boolean => database.prepare('INSERT INTO policy_reminders (about, step, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(about, step, at).changes > 0,
  }
}
