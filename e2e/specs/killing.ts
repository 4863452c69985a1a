/** Killing a send at random moments, for every protocol. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { collect, type Installation } from '../servers/waybill.ts'

/** The partner's side, seen from behind. */
export interface PartnerFolder {
  names(): readonly string[]
  /** Null when there is nothing of that name. */
  content(name: string): Uint8Array | null
}

interface Listed {
  deliveries: { id: string; state: string; remoteName: string }[]
}

export function folderOnDisk(folder: string): PartnerFolder {
  return {
    names: () => readdirSync(folder),
    content: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : null),
  }
}

const SIZE = 24 * 1024 * 1024

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function findDelivery(here: Installation, name: string): Promise<Listed['deliveries'][number] | undefined> {
  return (await here.run('--json', 'deliveries', 'list', '--search', name)).json<Listed>().deliveries[0]
}

/** How many moments: WAYBILL_KILL_MOMENTS, else the few given. */
export function killMoments(few: number): number {
  return Number(process.env['WAYBILL_KILL_MOMENTS'] ?? few)
}

/**
 * Sends to the partner `acme`, kills the process with SIGKILL somewhere, retries, and expects each file there exactly once and whole,
 * never partial under its name, and nothing under a temporary name in the end.
 */
export async function killSends(here: Installation, folder: PartnerFolder, moments: number): Promise<void> {
  const began = performance.now()
  expect((await here.run('send', 'acme', here.file('warm-up.bin', randomBytes(SIZE)))).exit).toBe(0)
  const whole = performance.now() - began
  const killedIn = new Map<string, number>()
  for (let moment = 0; moment < moments; moment++) {
    const name = `file-${moment}.bin`
    const content = randomBytes(SIZE)
    const path = here.file('next.bin', content)
    const child = here.start('send', 'acme', path, '--as', name)
    const ended = collect(child)
    await sleep(randomInt(Math.ceil(whole * 1.05)))
    child.kill('SIGKILL')
    await ended

    const half = folder.content(name)
    if (half !== null) expect(sha(half), `${name} under its final name after the kill`).toBe(sha(content))

    const delivery = await findDelivery(here, name)
    killedIn.set(delivery?.state ?? 'before', (killedIn.get(delivery?.state ?? 'before') ?? 0) + 1)
    const again = delivery === undefined ? await here.run('send', 'acme', path, '--as', name) : delivery.state === 'delivered' ? { exit: 0, err: '' } : await here.run('deliveries', 'retry', delivery.id)
    expect(again.exit, `${name}: ${again.err}`).toBe(0)

    expect(sha(folder.content(name) ?? Buffer.alloc(0)), name).toBe(sha(content))
  }
  // One delivery for each, and each at rest.
  const { deliveries } = (await here.run('--json', 'deliveries', 'list', '--search', 'file-', '--limit', '1000')).json<Listed>()
  expect(deliveries.map(({ state }) => state)).toEqual(Array.from({ length: moments }, () => 'delivered'))
  // Nothing under a temporary name, nothing twice.
  expect(folder.names()).toHaveLength(moments + 1)
  expect((await here.run('audit', 'verify')).exit).toBe(0)
  // The moments were spread: some before the intention was written, some in the middle.
  if (moments >= 20) expect([...killedIn.keys()].length, JSON.stringify([...killedIn])).toBeGreaterThan(1)
}
