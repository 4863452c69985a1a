/** Everything that goes wrong in a campaign: done to it, counted, and shown to have been felt. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from '../servers/line.ts'
import type { World } from './world.ts'

/** `widely`: to everything of its kind at once. */
export interface Fault {
  readonly act: (widely: boolean) => Promise<void>
  /** How often the exchange met it; null where that shows in the books only, or doing it is enough. */
  readonly felt?: () => number
  /** Part of an error code or of the service's log that shows that it was met. */
  readonly shows?: RegExp
}

export interface Tally {
  /** How often it was done. */
  readonly done: Readonly<Record<string, number>>
  readonly felt: Readonly<Record<string, number>>
}

const REFUSED = /net\.refused/
const DATA_REFUSED = /ftps\.data_refused/

export function faultsOf(world: World, random: () => number): Readonly<Record<string, Fault>> {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const lines = world.partners.flatMap(({ line, lineToUs }) => [line, lineToUs].filter((is) => is !== null))
  const dataLines = world.partners.flatMap(({ dataLine }) => (dataLine === null ? [] : [dataLine]))
  const some = (from: readonly Line[], widely: boolean): readonly Line[] => (widely ? from : [one(from)])
  const harm = (from: readonly Line[], what: keyof Line['harmed']) => () => from.reduce((sum, { harmed }) => sum + harmed[what], 0)
  const within = async (from: readonly Line[], begin: (line: Line) => void, ms: number): Promise<void> => {
    for (const line of from) begin(line)
    await sleep(ms)
    for (const line of from) await line.heal()
  }
  /** Once, everywhere, until a run has met it: nobody counts connections that were refused. */
  const refuse = async (from: readonly Line[], widely: boolean, shows: RegExp): Promise<void> => {
    const chosen = some(from, widely)
    const met = async (): Promise<number> => (await world.client.flows.runs({ limit: 200 })).runs.filter(({ error }) => error !== null && shows.test(error.code)).length
    const before = widely ? await met() : 0
    for (const line of chosen) await line.refuse()
    await sleep(300 + random() * 700)
    const looks = widely ? 100 : 0
    for (let tries = 0; tries < looks && (await met()) <= before; tries++) await sleep(200)
    for (const line of chosen) await line.heal()
  }
  const each = (from: readonly Line[], act: (line: Line) => void) => async (widely: boolean) => {
    for (const line of some(from, widely)) act(line)
    await Promise.resolve()
  }
  const corrupt = (line: Line): void => line.corrupt(Math.floor(random() * 20_000))
  const cutMidway = (line: Line): void => line.cutAfter(Math.floor(random() * 12_000))

  return {
    'kill -9': {
      async act() {
        await world.kill()
        await sleep(random() * 300)
        await world.start()
      },
    },
    'server restarted': { act: async () => await one(world.partners.flatMap(({ restart }) => restart ?? []))() },
    'connections refused': { act: async (widely) => await refuse(lines, widely, REFUSED), shows: REFUSED },
    'line cut': { act: each(lines, (line) => line.cut()), felt: harm(lines, 'cut') },
    'line cut midway': { act: each(lines, cutMidway), felt: harm(lines, 'cutMidway') },
    'line stalled': { act: async (widely) => await within(some(lines, widely), (line) => line.stall(), 300 + random() * 900), felt: harm(lines, 'stalled') },
    'bytes changed': { act: each(lines, corrupt), felt: harm(lines, 'corrupted') },
    'data connections refused': { act: async (widely) => await refuse(dataLines, widely, DATA_REFUSED), shows: DATA_REFUSED },
    'data line cut midway': { act: each(dataLines, cutMidway), felt: harm(dataLines, 'cutMidway') },
    'data line stalled': { act: async (widely) => await within(some(dataLines, widely), (line) => line.stall(), 300 + random() * 900), felt: harm(dataLines, 'stalled') },
    'data bytes changed': { act: each(dataLines, corrupt), felt: harm(dataLines, 'corrupted') },
    ...diskFaults(world, random),
    ...clockFaults(world, random),
  }
}

function diskFaults({ disk, kill, start }: World, random: () => number): Readonly<Record<string, Fault>> {
  const whileFull = (leaving: () => number, meanwhile: () => Promise<void> = async () => await Promise.resolve()) => async () => {
    disk.fill(leaving())
    await sleep(500 + random() * 700)
    await meanwhile()
    disk.free()
  }
  return {
    /** Nothing can be written down any more, and a kill takes away what the database held open. */
    'disk full': {
      act: whileFull(() => 0, async () => {
        await kill()
        const started = start()
        await sleep(500 + random() * 500)
        disk.free()
        await started
      }),
      shows: /workspace\.disk_(?:full|low)|database or disk is full/,
    },
    /** Something can, and a copy of a file cannot. */
    'disk nearly full': { act: whileFull(() => Math.floor(100_000 + random() * 1_000_000)), shows: /workspace\.disk_(?:full|low)/ },
    /** Nothing is received that would reach into the reserve. */
    'disk below its reserve': { act: whileFull(() => 8 * 1024 * 1024), shows: /workspace\.disk_low/ },
  }
}

/** By less than the quarter of an hour that a store of S3 tolerates, and never before the keys were bound. */
const FURTHEST_MS = 14 * 60_000

function clockFaults(world: World, random: () => number): Readonly<Record<string, Fault>> {
  let ahead = 0
  const set = async (ms: number): Promise<void> => {
    ahead = Math.round(ms)
    world.setClock(ahead)
    await Promise.resolve()
  }
  return {
    'clock set forward': { act: async () => await set(ahead + random() * (FURTHEST_MS - ahead)) },
    'clock set back': { act: async () => await set(random() * ahead) },
  }
}
