/** What every domain stands on: the record of what happened, the repositories, the state of the surroundings. */
import { statfs } from 'node:fs/promises'
import type { Connection } from '../../contract/connections/index.ts'
import { createAnchors } from '../audit/anchors.ts'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import { guardedPayloads } from '../background/disk-guard.ts'
import { createTroubleRepository } from '../background/repository.ts'
import { createBackground } from '../background/service.ts'
import { createDeliveryRepository } from '../deliveries/repository.ts'
import { pauseAfter } from '../deliveries/rules.ts'
import { noticeRaiser } from '../notifications/raise.ts'
import { createPartnerRepository } from '../partners/repository.ts'
import { createSafekeeping } from '../safekeeping/service.ts'
import { createStationService } from '../station/service.ts'
import { createSettings } from '../workspace/settings.ts'
import type { GraphOptions } from './options.ts'
import { hasAddress } from './readings.ts'

/** From so many failures in a row on, the pause is the longest one. */
const MOST_GROWTH = 5

export type Foundation = ReturnType<typeof buildFoundation>

/** @param later what is built on top of it and asked only once everything stands */
export function buildFoundation(options: GraphOptions, later: { readonly onSpace: () => void }) {
  const { workspace, clock, random, publisher, logger } = options
  const { database, secrets } = workspace
  const common = { database, clock, publisher }
  const raise = noticeRaiser(common)
  const records = createAuditRepository(database)
  const audit = createAuditTrail(records, clock)
  const anchors = createAnchors({ repository: records, trail: audit, secrets, workspace: workspace.id, clock })
  const deliveryRepository = createDeliveryRepository(database)
  const partnerRepository = createPartnerRepository(database)
  const settings = createSettings(database).get
  const background = createBackground({
    database,
    repository: createTroubleRepository(database),
    audit,
    bus: publisher,
    clock,
    logger,
    hostOf: ({ partner, connection }) => hostOf(partnerRepository.find(partner)?.document.connections.find(({ id }) => id === connection)),
    pauseAfter: (failures) => pauseAfter(Math.min(failures, MOST_GROWTH), random()) ?? 0,
    hasAddress,
    async freeBytes() {
      const { bavail, bsize } = await statfs(workspace.folder)
      return bavail * bsize
    },
    settings,
    postponed: deliveryRepository.postponedCount,
    onSpace: later.onSpace,
  })
  return {
    common,
    raise,
    records,
    audit,
    anchors,
    deliveryRepository,
    partnerRepository,
    settings,
    background,
    payloads: guardedPayloads(workspace.payloads, background.disk),
    safekeeping: createSafekeeping({ workspace, audit, newest: records.newestOf, anchorInto: anchors.writeInto, records: () => records.head().seq, publisher, raise, clock, logger, version: options.version }),
    station: createStationService({ ...common, audit }),
  }
}

/** The server that a connection needs; null where it needs none. */
function hostOf(connection: Connection | undefined): string | null {
  switch (connection?.protocol) {
    case 'sftp':
    case 'ftps':
      return connection.host
    case 's3':
      return URL.parse(connection.endpoint ?? `https://${connection.bucket}.s3.amazonaws.com`)?.hostname ?? null
    case 'as2':
      return connection.url === undefined ? null : (URL.parse(connection.url)?.hostname ?? null)
    default:
      return null
  }
}
