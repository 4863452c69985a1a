import type { Binding, Provenance, Role, TrustItem, TrustKind } from '../../contract/trust.ts'
import type { PgpDetails, X509Details } from '../../contract/trust-details.ts'
import { timestamp } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { firstId } from '../kernel/ids.ts'
import type { Database, Statement } from '../store/database.ts'
import { keptOf, type Kept } from '../store/kept.ts'
import { assuranceOf } from './assurance.ts'
import { detailsOfPem } from './certificates.ts'
import type { NewItem } from './new-item.ts'

interface ItemRow {
  id: string
  kind: TrustKind
  label: string
  algorithm: string
  bits: number | null
  fingerprint: string
  public_key: string | null
  secret: string | null
  not_before: string | null
  not_after: string | null
  state: 'active' | 'retired'
  created_at: string
  key_id: string | null
  chain: string
  details: string | null
}

interface BindingRow {
  id: string
  item: string
  partner: string | null
  connection: string | null
  role: Role
  active_from: string
  active_until: string | null
}

/** An item as stored: what the contract shows plus where its private key is sealed. */
export interface StoredItem {
  readonly item: TrustItem
  readonly secret: string | null
  /** The certificates above it in PEM, nearest first. */
  readonly chain: readonly string[]
}

/** What is retired comes last, and what never ends after everything that does. */
const ORDERS = {
  newest: 'state, id DESC',
  name: 'state, lower(label), id',
  ends: 'state, not_after IS NULL, not_after, id',
  kind: 'state, kind, lower(label), id',
} as const

export type TrustRepository = ReturnType<typeof createTrustRepository>

/** Writes so far, by database: whoever keeps what was made of it asks whether it still holds. */
const writes = new WeakMap<Database, number>()

/** What is bound: every page about keys and every evaluation of the posture asks for all of it. */
const boundOf = (database: Database): Kept<readonly TrustItem[]> => keptOf(database, 'bound items')

/** Bindings of a connection in a role: every step of every delivery asks for those of its connection. */
const inRolesOf = (database: Database): Kept<readonly Binding[]> => keptOf(database, 'bindings in roles')

/** The same database, noting what is written through it. */
function noting(database: Database): Pick<Database, 'prepare'> {
  return {
    prepare<Bind extends unknown[], Row>(sql: string): Statement<Bind, Row> {
      const statement = database.prepare<Bind, Row>(sql)
      return {
        ...statement,
        run(...values) {
          writes.set(database, (writes.get(database) ?? 0) + 1)
          boundOf(database).written()
          inRolesOf(database).written()
          return statement.run(...values)
        },
      }
    },
  }
}

export function createTrustRepository(whole: Database) {
  const database = noting(whole)
  const [bound, inRoles] = [boundOf(whole), inRolesOf(whole)]
  const bindingsOf = database.prepare<[string], BindingRow>('SELECT * FROM bindings WHERE item = ? ORDER BY active_from, id')
  const provenanceOf = database.prepare<[string], { record: string }>('SELECT record FROM provenance WHERE item = ? ORDER BY id')

  const stored = (row: ItemRow): StoredItem => withParts(row, provenanceOf.all(row.id).map(({ record }) => record), bindingsOf.all(row.id))

  const withParts = (row: ItemRow, records: readonly string[], bindings: readonly BindingRow[]): StoredItem => {
    const provenance = records.map((record) => JSON.parse(record) as Provenance)
    return {
      secret: row.secret,
      chain: JSON.parse(row.chain) as string[],
      item: {
        id: row.id,
        kind: row.kind,
        label: row.label,
        algorithm: row.algorithm,
        bits: row.bits,
        fingerprint: row.fingerprint,
        publicKey: row.public_key,
        hasPrivateKey: row.secret !== null,
        notBefore: row.not_before,
        notAfter: row.not_after,
        state: row.state,
        createdAt: row.created_at,
        keyId: row.key_id,
        // Certificates that were pinned before their details were kept, or that came in only when first seen.
        x509: row.kind !== 'x509' && row.kind !== 'ca' ? null : row.details === null ? detailsOfPem(row.public_key) : (JSON.parse(row.details) as X509Details),
        pgp: row.kind === 'pgp' && row.details !== null ? (JSON.parse(row.details) as PgpDetails) : null,
        assurance: assuranceOf(provenance, row.secret !== null),
        provenance,
        bindings: bindings.map(bindingOf),
      },
    }
  }

  /** Many at once: two look-ups for all of them instead of two each. `which` selects their ids. */
  const together = <Bind extends unknown[]>(which: string, ...values: Bind): TrustItem[] => {
    const bindings = Map.groupBy(database.prepare<Bind, BindingRow>(`SELECT * FROM bindings WHERE item IN (${which}) ORDER BY active_from, id`).all(...values), ({ item }) => item)
    const provenance = Map.groupBy(database.prepare<Bind, { item: string; record: string }>(`SELECT item, record FROM provenance WHERE item IN (${which}) ORDER BY id`).all(...values), ({ item }) => item)
    return database.prepare<Bind, ItemRow>(`SELECT * FROM trust_items WHERE id IN (${which}) ORDER BY id`).all(...values).map((row) => withParts(row, (provenance.get(row.id) ?? []).map(({ record }) => record), bindings.get(row.id) ?? []).item)
  }

  const repository = {
    /** Changes with everything that is written. */
    version: (): number => writes.get(whole) ?? 0,

    insert(item: Omit<TrustItem, 'provenance' | 'bindings' | 'hasPrivateKey' | 'state' | 'assurance'>, chain: readonly string[]): void {
      const { x509, pgp, ...columns } = item
      const details = x509 ?? pgp
      database.prepare(
          `INSERT INTO trust_items (id, kind, label, algorithm, bits, fingerprint, public_key, not_before, not_after, created_at, key_id, chain, details, subject)
           VALUES (@id, @kind, @label, @algorithm, @bits, @fingerprint, @publicKey, @notBefore, @notAfter, @createdAt, @keyId, @chain, @details, @subject)`,
        )
        .run({ ...columns, chain: JSON.stringify(chain), details: details === null ? null : JSON.stringify(details), subject: x509?.subject ?? pgp?.userIds.map(({ text }) => text).join(' ') ?? '' })
    },

    setChain(id: string, chain: readonly string[], details: X509Details | undefined): void {
      database.prepare('UPDATE trust_items SET chain = ?, details = coalesce(?, details) WHERE id = ?').run(JSON.stringify(chain), details === undefined ? null : JSON.stringify(details), id)
    },

    renew(id: string, key: NewItem): void {
      database.prepare('UPDATE trust_items SET public_key = ?, details = ?, not_after = ? WHERE id = ?')
        .run(key.publicKey, JSON.stringify(key.pgp ?? null), key.notAfter ?? null, id)
    },

    /** Items of one key pair: the certificates that were made for it, newest first. */
    findByKeyId(keyId: string): StoredItem[] {
      return database.prepare<[string], ItemRow>('SELECT * FROM trust_items WHERE key_id = ? ORDER BY id DESC').all(keyId).map(stored)
    },

    find(id: string): StoredItem | null {
      const row = database.prepare<[string], ItemRow>('SELECT * FROM trust_items WHERE id = ?').get(id)
      return row === undefined ? null : stored(row)
    },

    get(id: string): StoredItem {
      const found = repository.find(id)
      if (found === null) throw new AppError('input.not_found', `there is no trust item ${id}`)
      return found
    },

    findByFingerprint(kind: TrustKind, fingerprint: string): StoredItem | null {
      const row = database.prepare<[string, string], ItemRow>('SELECT * FROM trust_items WHERE kind = ? AND fingerprint = ?').get(kind, fingerprint)
      return row === undefined ? null : stored(row)
    },

    list(query: { limit: number; offset?: number | undefined; sort?: keyof typeof ORDERS | undefined; kind?: TrustKind | undefined; partner?: string | undefined; search?: string | undefined }): { items: TrustItem[]; total: number } {
      const where = `WHERE (@kind IS NULL OR kind = @kind)
        AND (@partner IS NULL OR id IN (SELECT item FROM bindings WHERE partner = @partner))
        AND (@search IS NULL OR instr(lower(label || ' ' || fingerprint || ' ' || algorithm || ' ' || id || ' ' || subject), lower(@search)) > 0)`
      const values = { kind: query.kind ?? null, partner: query.partner ?? null, search: query.search ?? null }
      const total = database.prepare<[typeof values], { n: number }>(`SELECT count(*) n FROM trust_items ${where}`).get(values)?.n ?? 0
      const rows = database
        .prepare<[Record<string, unknown>], ItemRow>(`SELECT * FROM trust_items ${where} ORDER BY ${ORDERS[query.sort ?? 'newest']} LIMIT @limit OFFSET @offset`)
        .all({ ...values, limit: query.limit, offset: query.offset ?? 0 })
      return { items: rows.map((row) => stored(row).item), total }
    },

    /** A fingerprint-only pin learns the whole once it was seen. */
    completePublicKey(id: string, key: { readonly publicKey: string; readonly algorithm: string; readonly bits: number | null; readonly notBefore?: string | null; readonly notAfter?: string | null }): void {
      database.prepare('UPDATE trust_items SET public_key = ?, algorithm = ?, bits = ?, not_before = ?, not_after = ? WHERE id = ? AND public_key IS NULL')
        .run(key.publicKey, key.algorithm, key.bits, key.notBefore ?? null, key.notAfter ?? null, id)
    },

    setSecret(id: string, secret: string): void {
      database.prepare('UPDATE trust_items SET secret = ? WHERE id = ?').run(secret, id)
    },

    setState(id: string, state: 'active' | 'retired'): void {
      database.prepare('UPDATE trust_items SET state = ? WHERE id = ?').run(state, id)
    },

    /** An item that was never bound, with all that belongs to it. Rejects with `input.conflict` while a planned change names it. */
    remove(id: string): void {
      const planned = database.prepare<[string, string], { id: string }>('SELECT id FROM rollovers WHERE old = ? OR next = ?').get(id, id)
      if (planned !== undefined) throw new AppError('input.conflict', `the planned change ${planned.id} names it; retire it instead`)
      for (const table of ['provenance', 'provenance_files', 'expiry_notices']) database.prepare(`DELETE FROM ${table} WHERE item = ?`).run(id)
      database.prepare('DELETE FROM trust_items WHERE id = ?').run(id)
    },

    addProvenance(item: string, record: Provenance): void {
      database.prepare('INSERT INTO provenance (item, record) VALUES (?, ?)').run(item, JSON.stringify(record))
    },

    bind(binding: Binding): void {
      database.prepare(
          `INSERT INTO bindings (id, item, partner, connection, role, active_from, active_until)
           VALUES (@id, @item, @partner, @connection, @role, @activeFrom, @activeUntil)`,
        )
        .run({ ...binding })
    },

    findBinding(id: string): Binding | null {
      const row = database.prepare<[string], BindingRow>('SELECT * FROM bindings WHERE id = ?').get(id)
      return row === undefined ? null : bindingOf(row)
    },

    /** Bindings of a partner's connection (those for every connection included), oldest first. */
    bindingsFor(partner: string, connection: string, role: Role): Binding[] {
      const found = inRoles.of(JSON.stringify([partner, connection, role]), () =>
        database
          .prepare<[string, string, string], BindingRow>('SELECT * FROM bindings WHERE partner = ? AND (connection = ? OR connection IS NULL) AND role = ? ORDER BY active_from, id')
          .all(partner, connection, role)
          .map(bindingOf),
      )
      return [...found]
    },

    /** Bindings of our station, for whichever partner, oldest first. */
    stationBindings(role: Role): Binding[] {
      return [...inRoles.of(role, () => database.prepare<[string], BindingRow>('SELECT * FROM bindings WHERE partner IS NULL AND role = ? ORDER BY active_from, id').all(role).map(bindingOf))]
    },

    /** Ends a binding; the row stays, so that old deliveries can still be explained. */
    endBinding(id: string, at: string): void {
      database.prepare('UPDATE bindings SET active_until = @at, ended = 1 WHERE id = @id AND (active_until IS NULL OR active_until > @at)').run({ id, at })
    },

    /** Bindings that were made or ended by an act in a time that has not come yet: the clock was ahead. What is planned for a time is left out. */
    actedAhead(now: number): { readonly begun: Binding[]; readonly ended: Binding[] } {
      const at = timestamp(now)
      const begun = database.prepare<[string, string], BindingRow>('SELECT * FROM bindings WHERE id >= ? AND active_from > ?').all(firstId('bnd', now + 1), at).map(bindingOf)
      return {
        begun: begun.filter(({ id, activeFrom }) => id.startsWith(firstId('bnd', Date.parse(activeFrom)))),
        ended: database.prepare<[string], BindingRow>('SELECT * FROM bindings WHERE ended = 1 AND active_until > ?').all(at).map(bindingOf),
      }
    },

    setWindow({ id, activeFrom, activeUntil }: Pick<Binding, 'id' | 'activeFrom' | 'activeUntil'>): void {
      database.prepare('UPDATE bindings SET active_from = ?, active_until = ? WHERE id = ?').run(activeFrom, activeUntil, id)
    },

    /** Everything that has a binding, ended ones included; with a partner, what is bound for it or for our station. */
    boundItems(partner?: string): TrustItem[] {
      if (partner !== undefined) return together('SELECT item FROM bindings WHERE partner = ? OR partner IS NULL', partner)
      return [...bound.of('all', () => together('SELECT item FROM bindings'))]
    },

    itemsOfPartner(partner: string): TrustItem[] {
      return together('SELECT item FROM bindings WHERE partner = ?', partner)
    },
  }
  return repository
}

function bindingOf(row: BindingRow): Binding {
  return {
    id: row.id,
    item: row.item,
    partner: row.partner,
    connection: row.connection,
    role: row.role,
    activeFrom: row.active_from,
    activeUntil: row.active_until,
  }
}
