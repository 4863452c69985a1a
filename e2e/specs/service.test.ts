/** `serve` as a service: health, reload, and an end in peace. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect, newInstallation, setUp, type Installation } from '../servers/waybill.ts'

interface Health {
  status: string
  reasons: string[]
  running?: number
}

describe('the service', () => {
  let here: Installation
  let share: string
  beforeEach(async () => {
    here = newInstallation()
    share = join(here.files, 'share')
    mkdirSync(share)
    await setUp(here, { id: 'acme', name: 'Acme', connections: [{ id: 'folder', protocol: 'folder', path: share }] })
  })
  afterEach(() => here.remove())

  const serve = async (...args: string[]) => {
    const service = here.start('--json', 'serve', '--health', '127.0.0.1:0', ...args)
    const ended = collect(service)
    const ready = await new Promise<{ health: string }>((resolve, reject) => {
      if (service.stdout !== null) createInterface({ input: service.stdout }).once('line', (line) => resolve(JSON.parse(line) as { health: string }))
      service.once('exit', (code) => reject(new Error(`serve ended with ${String(code)}`)))
    })
    return { service, ended, health: ready.health }
  }
  const eventually = async <T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean): Promise<T> => {
    for (let tries = 0; ; tries++) {
      const answer = await ask()
      if (holds(answer)) return answer
      if (tries > 300) throw new Error(`never: ${JSON.stringify(answer)}`)
      await sleep(100)
    }
  }

  it('answers for its health, without names, and says why it cannot work', async () => {
    const { service, ended, health } = await serve()
    try {
      const answer = await fetch(health)
      expect([answer.status, answer.headers.get('cache-control'), (await answer.json()) as Health]).toEqual([200, 'no-store', expect.objectContaining({ status: 'ok', reasons: [] })])
      expect([(await fetch(health, { method: 'POST' })).status, (await fetch(health.replace('/health', '/deliveries'))).status]).toEqual([405, 404])
      expect((await here.run('settings', 'diskReserveMiB=1000000')).exit).toBe(0)
      const low = await eventually(async () => await fetch(health), ({ status }) => status === 503)
      expect((await low.json()) as Health).toMatchObject({ status: 'unavailable', reasons: ['too little space: nothing is received'] })
      const refused = await here.run('--json', 'send', 'acme', here.file('a.edi', 'UNB'))
      expect([refused.exit, refused.out]).toEqual([1, expect.stringContaining('workspace.disk_low')])
      expect((await here.run('settings', 'diskReserveMiB=16')).exit).toBe(0)
      await eventually(async () => (await fetch(health)).status, (status) => status === 200)
      expect((await here.run('send', 'acme', here.file('a.edi', 'UNB'))).exit).toBe(0)
      const status = (await here.run('--json', 'status')).json<{ network: { state: string }; disk: { low: boolean }; deliveries: { deliveredToday: number } }>()
      expect(status).toMatchObject({ disk: { low: false }, deliveries: { deliveredToday: 1 } })
    } finally {
      service.kill('SIGTERM')
    }
    expect((await ended).exit).toBe(0)
    expect((await here.run('serve', '--health', '0.0.0.0:0')).exit).toBe(2)
  })

  it('reads the holidays again on SIGHUP', async () => {
    const days = here.file('days.txt', '2099-12-25\n')
    const flow = { direction: 'inbound', id: 'daily', name: 'Daily', targets: ['acme'], trigger: { kind: 'schedule', schedule: { kind: 'at', times: ['08:00'], zone: 'UTC', calendar: { file: days } } } }
    const next = async (): Promise<string | undefined> => (await here.run('--json', 'flow', 'next', 'daily', '--count', '1')).json<{ next: string[] }>().next[0]
    expect((await here.run('flow', 'apply', here.file('flow.json', JSON.stringify(flow)))).exit).toBe(0)
    const { service, ended } = await serve()
    try {
      const first = (await next()) ?? ''
      writeFileSync(days, `2099-12-25\n${first.slice(0, 10)}\n`)
      service.kill('SIGHUP')
      expect(await eventually(next, (at) => at !== first)).not.toBe(first)
      expect((await here.run('--json', 'audit', 'list', '--type', 'flow.calendar_read')).json<{ events: unknown[] }>().events).toHaveLength(1)
    } finally {
      service.kill('SIGTERM')
    }
    expect((await ended).exit).toBe(0)
  })

  it('lets a running transfer end after SIGTERM, and starts nothing new', async () => {
    const { service, ended } = await serve('--grace', '60')
    const content = randomBytes(96 * 1024 * 1024)
    const sending = here.start('send', 'acme', here.file('large.bin', content))
    const sent = collect(sending)
    await eventually(() => readdirSync(share).some((name) => name.startsWith('.dlv_')), Boolean)
    service.kill('SIGTERM')
    expect((await ended).exit).toBe(0)
    await sent
    expect(existsSync(join(share, 'large.bin')) && readFileSync(join(share, 'large.bin')).equals(content)).toBe(true)
    const { deliveries } = (await here.run('--json', 'deliveries', 'list')).json<{ deliveries: { state: string; attempts: number }[] }>()
    expect(deliveries).toMatchObject([{ state: 'delivered', attempts: 1 }])
  })
})
