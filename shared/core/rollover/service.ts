import type { WaybillHandlers } from '../../contract/index.ts'
import type { Rollover, RolloverPartner } from '../../contract/rollover.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import type { Binding, Role, TrustItem } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import { systemActor, type Actor } from '../kernel/actor.ts'
import type { CallContext } from '../kernel/call-context.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { RaiseNotice } from '../notifications/raise.ts'
import type { Database } from '../store/database.ts'
import { createUses, type FlowAtTime } from '../trust/affected-flows.ts'
import { isActive, isPending } from '../trust/rules.ts'
import type { TrustService } from '../trust/service.ts'
import type { Rehearse } from './rehearsal.ts'
import { remindersOf } from './reminders.ts'
import { mailText, mayRetire, startOf, stepOf } from './rules.ts'

interface Row {
  id: string
  old: string
  next: string
  partner: string | null
  created_at: string
  announce_at: string | null
  switch_at: string | null
  retire_at: string | null
  cancelled_at: string | null
}

export interface RolloverDeps {
  readonly database: Database
  readonly trust: Pick<TrustService, 'show' | 'bind' | 'unbind'>
  readonly partners: { all(): readonly PartnerDocument[] }
  readonly flows: () => readonly FlowAtTime[]
  readonly station: () => StationDocument | null
  /** First and last time that a certificate took part in real traffic, by partner, with the delivery that shows it. */
  readonly seen: (fingerprint: string) => ReadonlyMap<string, { readonly first: string; readonly last: string; readonly delivery: string | null }>
  readonly audit: AuditTrail
  readonly raise: RaiseNotice
  readonly publisher: Publisher
  readonly clock: Clock
}

export type RolloverService = ReturnType<typeof createRolloverService>

export function createRolloverService(deps: RolloverDeps) {
  const { database, trust, partners, audit, publisher, clock } = deps
  const now = (): string => timestamp(clock.now())

  const rowOf = (id: string): Row => {
    const row = database.prepare<[string], Row>('SELECT * FROM rollovers WHERE id = ?').get(id)
    if (row === undefined) throw new AppError('input.not_found', `there is no rollover ${id}`)
    return row
  }

  const pending = (item: TrustItem, partner: string | null): Binding[] => item.bindings.filter((binding) => isPending(binding, clock.now()) && (partner === null || binding.partner === partner))

  const samePlace = (left: Pick<Binding, 'partner' | 'connection' | 'role'>, right: Binding): boolean => left.partner === right.partner && left.connection === right.connection && left.role === right.role

  /** The partners that rely on bindings, each with its roles: their own, or through our station. */
  const concerned = (bindings: readonly Binding[]): Map<string, Role[]> => {
    const found = new Map<string, Role[]>()
    const uses = createUses(deps.flows, partners.all())
    for (const { id, connections } of partners.all()) {
      const roles = bindings.filter((binding) => binding.partner === id || (binding.partner === null && connections.some((connection) => uses(id, connection, binding.role, true)))).map(({ role }) => role)
      if (roles.length > 0) found.set(id, [...new Set(roles)].toSorted())
    }
    return found
  }

  const view = (row: Row): Rollover => {
    const [old, next] = [trust.show(row.old), trust.show(row.next)]
    const steps = database.prepare<[string], { partner: string; step: 'sent' | 'acknowledged'; at: string }>('SELECT partner, step, at FROM rollover_steps WHERE rollover = ?').all(row.id)
    const atOf = (partner: string, step: 'sent' | 'acknowledged'): string | null => steps.find((one) => one.partner === partner && one.step === step)?.at ?? null
    const all = [...old.bindings, ...next.bindings].filter((binding) => row.partner === null || binding.partner === row.partner)
    const [seenNext, seenOld] = [deps.seen(next.fingerprint), deps.seen(old.fingerprint)]
    const list = [...concerned(all)].map(([partner, roles]): RolloverPartner => {
      const facts = {
        partner, roles, prepared: row.created_at,
        sent: atOf(partner, 'sent'), acknowledged: atOf(partner, 'acknowledged'),
        firstSeen: seenNext.get(partner)?.first ?? null, proof: seenNext.get(partner)?.delivery ?? null, oldLastSeen: seenOld.get(partner)?.last ?? null,
        oldRetired: pending(old, null).every((binding) => binding.partner !== partner && binding.partner !== null),
      }
      return { ...facts, step: stepOf(facts) }
    })
    const done = pending(old, row.partner).length === 0
    return {
      id: row.id,
      old: { id: old.id, label: old.label, fingerprint: old.fingerprint },
      next: { id: next.id, label: next.label, fingerprint: next.fingerprint },
      ours: next.hasPrivateKey,
      createdAt: row.created_at, announceAt: row.announce_at, switchAt: row.switch_at, retireAt: row.retire_at,
      state: row.cancelled_at !== null ? 'cancelled' : done ? 'done' : 'running',
      partners: list,
    }
  }

  const announce = (id: string): Rollover => {
    publisher.publish('rollover.changed', { id })
    return view(rowOf(id))
  }

  /** Binds the next item wherever the old one is bound, from the day that each role asks for; places that it has already are left. */
  const bindNext = (row: Row, actor: Actor, where: (binding: Binding) => string | null): number => {
    let bound = 0
    for (const binding of pending(trust.show(row.old), row.partner)) {
      const activeFrom = where(binding)
      if (activeFrom === null || trust.show(row.next).bindings.some((other) => samePlace(other, binding) && isPending(other, clock.now()))) continue
      const { partner, connection, role } = binding
      trust.bind(row.next, { role, activeFrom, ...(partner === null ? {} : { partner }), ...(connection === null ? {} : { connection }) }, actor)
      bound += 1
    }
    return bound
  }

  const running = (): Row[] => database.prepare<[], Row>('SELECT * FROM rollovers WHERE cancelled_at IS NULL ORDER BY id').all()

  return {
    plan(request: { old: string; next: string; partner?: string | undefined; announceAt?: string | undefined; switchAt?: string | undefined; retireAt?: string | undefined }, actor: Actor): Rollover {
      const old = trust.show(request.old)
      if (request.old === request.next) throw new AppError('input.invalid', 'the next item is the old one')
      if (pending(old, request.partner ?? null).length === 0) throw new AppError('input.invalid', `${old.label} is bound to nothing${request.partner === undefined ? '' : ` for ${request.partner}`}; there is nothing to roll over`)
      if (running().some((row) => row.old === request.old && row.partner === (request.partner ?? null) && view(row).state === 'running')) throw new AppError('input.conflict', `${old.label} is being rolled over already`)
      const { announceAt = null, switchAt = null, retireAt = null, partner = null } = request
      if (retireAt !== null && switchAt !== null && retireAt <= switchAt) throw new AppError('input.invalid', 'the old item would be retired before the switch; leave an overlap')
      const row: Row = { id: newId('ro', clock.now()), old: request.old, next: request.next, partner, created_at: now(), announce_at: announceAt, switch_at: switchAt, retire_at: retireAt, cancelled_at: null }
      database.transaction(() => {
        database.prepare('INSERT INTO rollovers (id, old, next, partner, created_at, announce_at, switch_at, retire_at) VALUES (@id, @old, @next, @partner, @created_at, @announce_at, @switch_at, @retire_at)').run({ ...row })
        bindNext(row, actor, ({ role }) => startOf(role, trust.show(row.next).hasPrivateKey, row.created_at, switchAt))
        audit.record({ actor, type: 'rollover.planned', subject: { kind: 'trust', id: row.next }, partner, data: { rollover: row.id, old: row.old, next: row.next, switchAt, retireAt } })
      })
      return announce(row.id)
    },

    list(limit: number): { rollovers: Rollover[]; total: number } {
      const rows = database.prepare<[], Row>('SELECT * FROM rollovers ORDER BY id DESC').all()
      return { rollovers: rows.slice(0, limit).map(view), total: rows.length }
    },

    show: (id: string): Rollover => view(rowOf(id)),

    /** Without a partner: everyone concerned that has not got there yet. */
    mark(id: string, partner: string | undefined, step: 'sent' | 'acknowledged', actor: Actor): Rollover {
      const concernedNow = view(rowOf(id)).partners.filter((one) => partner === undefined || one.partner === partner)
      if (partner !== undefined && concernedNow.length === 0) throw new AppError('input.not_found', `${partner} has no part in this rollover`)
      database.transaction(() => {
        for (const one of concernedNow) {
          const { changes } = database.prepare('INSERT INTO rollover_steps (rollover, partner, step, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(id, one.partner, step, now())
          if (changes > 0) audit.record({ actor, type: `rollover.${step}`, subject: { kind: 'trust', id: rowOf(id).next }, partner: one.partner, data: { rollover: id } })
        }
      })
      return announce(id)
    },

    /** `card`: the name of the file that goes along. */
    mail(id: string, partner: string, card: string | null): { subject: string; body: string } {
      const row = rowOf(id)
      const document = partners.all().find((one) => one.id === partner)
      if (document === undefined) throw new AppError('input.not_found', `there is no partner ${partner}`)
      const next = trust.show(row.next)
      return mailText({ station: deps.station()?.name ?? 'Our company', partner: document.name, ours: next.hasPrivateKey, next, old: trust.show(row.old), switchAt: row.switch_at, retireAt: row.retire_at, card })
    },

    cancel(id: string, actor: Actor): Rollover {
      const row = rowOf(id)
      if (view(row).state !== 'running') throw new AppError('input.conflict', 'the rollover has ended already')
      const old = trust.show(row.old)
      database.transaction(() => {
        database.prepare('UPDATE rollovers SET cancelled_at = ? WHERE id = ?').run(now(), id)
        for (const binding of pending(trust.show(row.next), row.partner)) if (binding.activeFrom >= row.created_at && old.bindings.some((other) => samePlace(other, binding))) trust.unbind(binding.id, actor)
        audit.record({ actor, type: 'rollover.cancelled', subject: { kind: 'trust', id: row.next }, data: { rollover: id } })
      })
      return announce(id)
    },

    /** A person does not wait for dates and quiet. */
    finish(id: string, anyway: boolean, actor: Actor): Rollover {
      const row = rowOf(id)
      const plan = view(row)
      if (plan.state !== 'running') throw new AppError('input.conflict', 'the rollover has ended already')
      const unseen = plan.partners.filter(({ firstSeen }) => firstSeen === null).map(({ partner }) => partner)
      if (unseen.length > 0 && !anyway) throw new AppError('input.conflict', `not seen with ${plan.next.label} yet: ${unseen.join(', ')}; what they still do with ${plan.old.label} would fail`, { details: { 'not seen yet': unseen.join(', ') } })
      database.transaction(() => {
        for (const binding of pending(trust.show(row.next), row.partner)) if (!isActive(binding, clock.now())) trust.unbind(binding.id, actor)
        const serving = trust.show(row.next).bindings.filter((other) => isActive(other, clock.now()))
        bindNext(row, actor, (binding) => (serving.some((other) => samePlace(other, binding)) ? null : now()))
        for (const binding of pending(trust.show(row.old), row.partner)) trust.unbind(binding.id, actor)
        audit.record({ actor, type: 'rollover.finished', subject: { kind: 'trust', id: row.next }, partner: row.partner, data: { rollover: id, notSeen: unseen } })
      })
      return announce(id)
    },

    /** The other item of a change that is under way with a partner, by the one's fingerprint; null when there is none. */
    otherOf(partner: string, fingerprint: string): string | null {
      for (const row of running()) {
        if (row.partner !== null && row.partner !== partner) continue
        const [old, next] = [trust.show(row.old), trust.show(row.next)]
        const other = old.fingerprint === fingerprint ? next : next.fingerprint === fingerprint ? old : null
        if (other !== null && pending(old, row.partner).length > 0) return other.id
      }
      return null
    },

    /** Says what is to be said about dates that have come; each once. Answers how many notices that were. */
    remind(): number {
      let said = 0
      for (const row of running()) {
        const plan = view(row)
        for (const { step, title, body } of remindersOf(plan, clock.now()))
          database.transaction(() => {
            if (database.prepare('INSERT INTO rollover_reminders (rollover, step, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(row.id, step, now()).changes === 0) return
            audit.record({ actor: systemActor, type: 'rollover.reminded', subject: { kind: 'trust', id: row.next }, partner: row.partner, data: { rollover: row.id, step } })
            deps.raise({ severity: 'attention', title, body, subject: { kind: 'trust', id: row.next } })
            said += 1
          })
      }
      return said
    },

    /** What time and traffic ask for: the switch at first use, and the end of the old item. Answers how much was done. */
    check(): number {
      let done = 0
      for (const row of running()) {
        const plan = view(row)
        if (plan.state !== 'running') continue
        const stateOf = (partner: string): RolloverPartner | undefined => plan.partners.find((one) => one.partner === partner)
        if (row.switch_at === null) {
          // A binding of our station switches once every partner concerned was seen with the next item.
          const ready = (binding: Binding): boolean => (binding.partner === null ? plan.partners.length > 0 && plan.partners.every(({ firstSeen }) => firstSeen !== null) : stateOf(binding.partner)?.firstSeen != null)
          done += database.transaction(() => bindNext(row, systemActor, (binding) => (ready(binding) ? now() : null)))
        }
        const next = trust.show(row.next)
        for (const binding of pending(trust.show(row.old), row.partner)) {
          const served = next.bindings.some((other) => samePlace(other, binding) && isActive(other, clock.now()))
          const quiet = binding.partner === null ? plan.partners.every((one) => mayRetire(one, row.retire_at, clock.now())) : mayRetire(stateOf(binding.partner) ?? { oldLastSeen: null }, row.retire_at, clock.now())
          if (!served || !quiet) continue
          trust.unbind(binding.id, systemActor)
          done += 1
        }
        if (done > 0) publisher.publish('rollover.changed', { id: row.id })
      }
      return done
    },
  }
}

/** `card`: our card for a partner, null when we have no name yet. */
export function rolloverHandlers(service: RolloverService, { rehearse, card }: { readonly rehearse: Rehearse; readonly card: (partner: string) => { readonly fileName: string; readonly text: string; readonly words: readonly string[] } | null }): WaybillHandlers<CallContext>['rollover'] {
  return {
    rehearse: async ({ id, ...options }) => ({ rehearsals: await rehearse(service.show(id), options) }),
    plan: (request, { actor }) => service.plan(request, actor),
    list: ({ limit }) => service.list(limit),
    show: ({ id }) => service.show(id),
    check: () => ({ changed: service.check() }),
    mark: ({ id, partner, step }, { actor }) => service.mark(id, partner, step, actor),
    mail({ id, partner }) {
      const ours = service.show(id).ours ? card(partner) : null
      return { ...service.mail(id, partner, ours?.fileName ?? null), card: ours === null ? null : { ...ours, words: [...ours.words] } }
    },
    finish: ({ id, anyway }, { actor }) => service.finish(id, anyway, actor),
    cancel: ({ id }, { actor }) => service.cancel(id, actor),
  }
}
