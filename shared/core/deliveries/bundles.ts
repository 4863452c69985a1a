/** Deliveries that travel as attachments of one message: the first of them stands for all. */
import type { Database } from '../store/database.ts'

export interface Bundles {
  /** Call it in the transaction that writes them down. The first one leads. */
  bind(deliveries: readonly string[]): void
  /** The delivery that stands for this one; itself when it travels alone. */
  leadOf(delivery: string): string
  /** The others of a lead, in the order in which they were named; none for a delivery that travels alone. */
  companionsOf(lead: string): readonly string[]
}

export function createBundles(database: Database): Bundles {
  return {
    bind(deliveries) {
      const [lead] = deliveries
      const insert = database.prepare('INSERT INTO delivery_bundles (delivery, lead, place) VALUES (?, ?, ?)')
      for (const [place, delivery] of deliveries.entries()) insert.run(delivery, lead, place)
    },
    leadOf: (delivery) => database.prepare<[string], { lead: string }>('SELECT lead FROM delivery_bundles WHERE delivery = ?').get(delivery)?.lead ?? delivery,
    companionsOf: (lead) =>
      database
        .prepare<[string], { delivery: string }>('SELECT delivery FROM delivery_bundles WHERE lead = ? AND place > 0 ORDER BY place')
        .all(lead)
        .map(({ delivery }) => delivery),
  }
}
