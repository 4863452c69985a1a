/** The flows of a campaign: out to each partner, in from each that is asked, and on from one partner to two others. */
import type { World } from './world.ts'

/** What comes from a partner that is not asked goes on to these, each of which may fail by itself. */
export const RELAY = { from: 'pyas2', to: ['folder', 's3'] } as const

const every = (seconds: number): object => ({ kind: 'schedule', schedule: { kind: 'cron', expression: `*/${seconds} * * * * *`, zone: 'UTC' } })
const [OUT_SECONDS, IN_SECONDS] = [2, 3]

/** Answers how often each scheduled flow is due, in milliseconds. */
export async function applyFlows({ partners, client, outbox }: World): Promise<ReadonlyMap<string, number>> {
  const everyMs = new Map<string, number>()
  for (const { id, collected } of partners) {
    // One by the clock, the others when a file appears.
    const byClock = id === 'folder'
    if (byClock) everyMs.set(`to-${id}`, OUT_SECONDS * 1000)
    await client.flows.apply({
      document: { direction: 'outbound', id: `to-${id}`, name: `To ${id}`, source: { kind: 'folder', folder: outbox(id) }, selection: { patterns: ['*.bin'], stableSeconds: 0 }, targets: [id], trigger: byClock ? every(OUT_SECONDS) : { kind: 'watch' } },
    })
    if (!collected) continue
    everyMs.set(`from-${id}`, IN_SECONDS * 1000)
    await client.flows.apply({ document: { direction: 'inbound', id: `from-${id}`, name: `From ${id}`, targets: [id], trigger: every(IN_SECONDS) } })
  }
  await client.flows.apply({
    document: { direction: 'outbound', id: 'relay', name: 'Relay', source: { kind: 'inbox', partner: RELAY.from }, selection: { patterns: ['*.bin'], stableSeconds: 0 }, targets: [...RELAY.to], trigger: { kind: 'watch' }, afterwards: 'keep' },
  })
  await client.workspace.changeSettings({ diskReserveMiB: 16 })
  return everyMs
}
