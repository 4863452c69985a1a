/** What the service wrote down, read through the contract. */
import type { AuditEvent } from '../../shared/contract/audit.ts'
import type { Attempt, Delivery } from '../../shared/contract/deliveries.ts'
import type { DueTime, FlowRun } from '../../shared/contract/flows.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { Books } from './check.ts'

const PAGE = 1000

/** From page to page until one is not full. `after` tells where the next one begins. */
async function pages<T, K>(page: (before: K | undefined) => Promise<readonly T[]>, after: (last: T) => K): Promise<T[]> {
  const found: T[] = []
  for (let before: K | undefined; ; ) {
    const more = await page(before)
    found.push(...more)
    const last = more.at(-1)
    if (more.length < PAGE || last === undefined) return found
    before = after(last)
  }
}

/** `scheduled`: flows whose due times are wanted. */
export async function readBooks(client: WaybillClient, scheduled: Iterable<string>, options: { readonly ledgerOnly?: boolean } = {}): Promise<Books> {
  const from = <K>(before: K | undefined): { before?: K; limit: number } => ({ limit: PAGE, ...(before === undefined ? {} : { before }) })
  const deliveries = await pages<Delivery, string>(async (before) => (await client.deliveries.list(from(before))).deliveries, ({ id }) => id)
  if (options.ledgerOnly === true) return { deliveries, attempts: new Map(), events: [], runs: [], due: new Map() }
  const attempts = new Map<string, readonly Attempt[]>()
  for (const { id } of deliveries.filter((one) => one.attempts > 1)) attempts.set(id, (await client.deliveries.show({ id })).attempts)
  const due = new Map<string, readonly DueTime[]>()
  for (const flow of scheduled) due.set(flow, (await client.flows.due({ flow, limit: PAGE })).due)
  return {
    deliveries,
    attempts,
    due,
    events: await pages<AuditEvent, number>(async (before) => (await client.audit.list(from(before))).events, ({ seq }) => seq),
    runs: await pages<FlowRun, string>(async (before) => (await client.flows.runs(from(before))).runs, ({ id }) => id),
  }
}

/** Errors with which attempts and runs ended, and attempts that a kill ended, by how often. */
export function metInBooks({ attempts, runs }: Books): Record<string, number> {
  const met: Record<string, number> = {}
  const codes = [...[...attempts.values()].flat().map(({ error, result }) => (result === 'interrupted' ? 'interrupted' : error?.code)), ...runs.map(({ error }) => error?.code)]
  for (const code of codes) if (code !== undefined) met[code] = (met[code] ?? 0) + 1
  return met
}
