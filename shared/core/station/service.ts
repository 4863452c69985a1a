import type { WaybillHandlers } from '../../contract/index.ts'
import { StationDocument } from '../../contract/station.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { Publisher } from '../kernel/events.ts'
import { parseDocument } from '../partners/rules.ts'
import type { Database } from '../store/database.ts'
import { keptOf } from '../store/kept.ts'

/** Our own identity: one document. */
export function createStationService(deps: { readonly database: Database; readonly audit: AuditTrail; readonly publisher: Publisher; readonly clock: Clock }) {
  const { database, audit, publisher, clock } = deps

  const kept = keptOf<StationDocument | null>(database, 'station')
  const show = (): StationDocument | null =>
    kept.of('station', () => {
      const row = database.prepare<[], { document: string }>('SELECT document FROM station WHERE id = 1').get()
      return row === undefined ? null : StationDocument.parse(JSON.parse(row.document))
    })

  return {
    show,
    apply(input: unknown, actor: Actor): { station: StationDocument; changed: boolean } {
      const { $schema: _, ...document } = parseDocument(StationDocument, input)
      const text = JSON.stringify(document)
      if (JSON.stringify(show()) === text) return { station: document, changed: false }
      database.transaction(() => {
        kept.written()
        database
          .prepare('INSERT INTO station (id, document, updated_at) VALUES (1, @text, @at) ON CONFLICT (id) DO UPDATE SET document = @text, updated_at = @at')
          .run({ text, at: timestamp(clock.now()) })
        audit.record({ actor, type: 'station.changed', subject: { kind: 'station', id: 'station' }, data: { name: document.name } })
      })
      publisher.publish('station.changed', document)
      return { station: document, changed: true }
    },
  }
}

export function stationHandlers(service: ReturnType<typeof createStationService>): WaybillHandlers<CallContext>['station'] {
  return {
    show: () => ({ station: service.show() }),
    apply: ({ document }, { actor }) => service.apply(document, actor),
  }
}
