/** One company with a partner on every protocol, its service under a clock and on a disk of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../shared/client/create-client.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { contract, type WaybillClient } from '../../shared/contract/index.ts'
import { createSocketTransport, type SocketAddress } from '../../shared/hosts/socket/client.ts'
import { PASSPHRASE } from '../servers/waybill.ts'
import { meetPartners, openServers, type CampaignPartner } from './partners.ts'

const ENTRY = join(import.meta.dirname, '../../dist/core/waybill.js')
const CLOCK = join(import.meta.dirname, '../servers/moved-clock.mjs')

export interface World {
  readonly partners: readonly CampaignPartner[]
  readonly client: WaybillClient
  readonly workspace: string
  /** A folder for a flow's files. */
  outbox(partner: string): string
  inbox(partner: string): string
  /** The service; killed with SIGKILL and started again. */
  kill(): Promise<void>
  start(): Promise<void>
  /** The disk of the workspace, which can be filled but for so many bytes. */
  readonly disk: { fill(leaving: number): void; free(): void }
  /** So many milliseconds off the true time. */
  setClock(ms: number): void
  /** What the service's clock says. */
  now(): number
  run(...args: string[]): Promise<{ exit: number | null; out: string }>
  /** What the service wrote to its standard error. */
  log(): string
  close(): Promise<void>
}

export async function openWorld(options: { readonly diskMiB: number }): Promise<World> {
  const undo: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    return { ...(await build(options, (step) => undo.push(step))), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function build({ diskMiB }: { readonly diskMiB: number }, undo: (step: () => Promise<void> | void) => void): Promise<Omit<World, 'close'>> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-campaign-'))
  undo(() => rmSync(home, { recursive: true, force: true }))
  const servers = await openServers(undo)
  const { here, port: as2Port } = servers.pair.left
  const place = join(home, 'disk')
  const disk = diskAt(place, diskMiB, undo)
  const workspace = join(place, 'workspace')
  cpSync(here.workspace, workspace, { recursive: true })

  const clock = join(home, 'clock')
  writeFileSync(clock, '0')
  const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: tmpdir(), WAYBILL_PASSPHRASE: PASSPHRASE, WAYBILL_TEST_CLOCK: clock }
  const program = (args: readonly string[]): ChildProcess => spawn(process.execPath, ['--import', CLOCK, ENTRY, '--workspace', workspace, ...args], { cwd: home, stdio: ['ignore', 'pipe', 'pipe'], env })
  const service = serviceOf(() => program(['--json', 'serve', '--as2', `127.0.0.1:${as2Port}`]))
  undo(service.kill)
  await service.start()
  const transport = patient(createSocketTransport({ find: () => addressIn(workspace) }))
  undo(() => transport.close())
  const client = createClient(contract, transport)
  const partners = await meetPartners(servers, client, undo)

  return {
    ...service,
    partners,
    client,
    workspace,
    disk,
    outbox(partner) {
      const folder = join(home, 'outboxes', partner)
      mkdirSync(folder, { recursive: true })
      return folder
    },
    inbox: (partner) => join(workspace, 'partners', partner, 'Inbox'),
    setClock: (ms) => writeFileSync(clock, String(ms)),
    now: () => Date.now() + Number(readFileSync(clock, 'utf8')),
    async run(...args) {
      const child = program(args)
      let out = ''
      child.stdout?.on('data', (data: Buffer) => (out += data.toString()))
      child.stderr?.resume()
      const [exit] = (await once(child, 'close')) as [number | null]
      return { exit, out }
    },
  }
}

/** A small disk in memory. */
function diskAt(place: string, mib: number, undo: (step: () => void) => void): World['disk'] {
  mkdirSync(place)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', place], { encoding: 'utf8' })
  if (mounted.status !== 0) throw new Error(`no disk can be mounted here, so none could be filled: ${mounted.stderr}`)
  undo(() => void spawnSync('umount', ['-l', place]))
  const ballast = join(place, 'ballast')
  return {
    fill(leaving) {
      const { bavail, bsize } = statfsSync(place)
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096', `count=${Math.max(0, Math.floor((bavail * bsize - leaving) / 4096))}`], { stdio: 'ignore' })
    },
    free: () => rmSync(ballast, { force: true }),
  }
}

function serviceOf(begin: () => ChildProcess): Pick<World, 'start' | 'kill' | 'log'> {
  let log = ''
  let service: ChildProcess | null = null
  return {
    log: () => log,
    async start() {
      for (let tries = 0; ; tries++) {
        const child = begin()
        child.stderr?.on('data', (data: Buffer) => (log += data.toString()))
        const ready = new Promise<boolean>((resolve) => {
          if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => resolve(line.includes('"ready":true')))
          child.once('exit', () => resolve(false))
        })
        if (await ready) {
          service = child
          return
        }
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGKILL')
          await once(child, 'exit')
        }
        // A full disk lets nobody in; whoever runs the service starts it again.
        if (tries > 40) throw new Error(`the service does not start: ${log.slice(-4000)}`)
        await sleep(250)
      }
    },
    async kill() {
      const child = service
      service = null
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Waits for a service that is just starting, as a window does. */
function patient(transport: Transport): Transport {
  const state = { now: '' }
  transport.onStateChange?.((now) => (state.now = now))
  return {
    ...transport,
    async call(...args) {
      for (let tries = 0; state.now !== 'connected' && tries < 600; tries++) await sleep(50)
      return await transport.call(...args)
    },
  }
}

function addressIn(workspace: string): SocketAddress {
  const { socketPath, token } = JSON.parse(readFileSync(join(workspace, 'lease.json'), 'utf8')) as SocketAddress
  return { socketPath, token, actorKind: 'cli' }
}
