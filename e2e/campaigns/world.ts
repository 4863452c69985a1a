/** One company with a partner on every protocol, each at a real server of its own behind a line that can be harmed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../shared/client/create-client.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { contract, type WaybillClient } from '../../shared/contract/index.ts'
import { createSocketTransport, type SocketAddress } from '../../shared/hosts/socket/client.ts'
import { as2Pair, type Service } from '../servers/as2-pair.ts'
import { FILE_PARTNERS, type FilePartner, type Side } from '../servers/file-partners.ts'
import { PASSPHRASE, type Installation } from '../servers/waybill.ts'
import { hostileLineTo, type HostileLine } from './hostile-line.ts'

const ENTRY = join(import.meta.dirname, '../../dist/core/waybill.js')
const CLOCK = join(import.meta.dirname, '../servers/moved-clock.mjs')
/** By their names in `FILE_PARTNERS`; ProFTPD and radosgw speak the same protocols. */
const FILE_KINDS = { folder: 'a folder', sftp: 'SFTP at OpenSSH', ftps: 'FTPS at vsftpd', s3: 'S3 at Versity' } as const

export interface CampaignPartner {
  readonly id: string
  /** Null for a folder. */
  readonly line: HostileLine | null
  /** What arrived there. */
  readonly sent: Pick<Side, 'names' | 'hash'>
  /** Null where files come without being asked for. */
  readonly offered: Side | null
  /** Kills the server and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface World {
  readonly partners: readonly CampaignPartner[]
  readonly client: WaybillClient
  /** Files that the flow to this partner finds. */
  outbox(partner: string): string
  inbox(partner: string): string
  drop(partner: string, name: string, content: Uint8Array): void
  /** The service; killed with SIGKILL and started again. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Fills the disk of the workspace; null where that cannot be done here. */
  readonly disk: { fill(leaving: number): void; free(): void } | null
  /** So many milliseconds off the true time. */
  setClock(ms: number): void
  run(...args: string[]): Promise<{ exit: number | null; out: string }>
  /** What the service wrote to its standard error. */
  log(): string
  close(): Promise<void>
}

export const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export async function openWorld(options: { readonly diskMiB: number }): Promise<World> {
  const undo: (() => Promise<void> | void)[] = []
  try {
    return await build(options, undo)
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

async function build({ diskMiB }: { readonly diskMiB: number }, undo: (() => Promise<void> | void)[]): Promise<World> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-campaign-'))
  undo.push(() => rmSync(home, { recursive: true, force: true }))
  const pair = await as2Pair()
  undo.push(() => pair.remove())
  const partners: CampaignPartner[] = []
  const here = pair.left.here
  for (const [id, kind] of Object.entries(FILE_KINDS)) {
    const partner = await filePartner(id, kind, here)
    undo.push(async () => await partner.stop())
    partners.push(partner)
  }
  const as2 = await as2Partner(pair.right.here, pair.right.port, async () => await pair.right.serve(), here)
  undo.push(async () => await as2.stop())
  partners.push(as2)

  const place = join(home, 'disk')
  mkdirSync(place)
  const mounted = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'tmpfs', place]).status === 0
  if (mounted) undo.push(() => void spawnSync('umount', ['-l', place]))
  const workspace = join(place, 'workspace')
  cpSync(here.workspace, workspace, { recursive: true })

  const clockFile = join(home, 'clock')
  writeFileSync(clockFile, '0')
  let log = ''
  let service: ChildProcess | null = null
  const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: tmpdir(), WAYBILL_PASSPHRASE: PASSPHRASE, WAYBILL_TEST_CLOCK: clockFile }
  const start = async (): Promise<void> => {
    for (let tries = 0; ; tries++) {
      const child = spawn(process.execPath, ['--import', CLOCK, ENTRY, '--workspace', workspace, '--json', 'serve', '--as2', `127.0.0.1:${pair.left.port}`], { cwd: home, stdio: ['ignore', 'pipe', 'pipe'], env })
      child.stderr.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-400_000)))
      const ready = new Promise<boolean>((resolve) => {
        createInterface({ input: child.stdout }).on('line', (line) => resolve(line.includes('"ready":true')))
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
  }
  const kill = async (): Promise<void> => {
    const child = service
    service = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  undo.push(kill)

  await start()
  const transport = patient(createSocketTransport({ find: () => addressIn(workspace) }))
  undo.push(() => transport.close())
  const client = createClient(contract, transport)

  const outbox = (partner: string): string => join(home, 'outboxes', partner)
  for (const { id, offered } of partners) {
    mkdirSync(outbox(id), { recursive: true })
    const flow = { direction: 'outbound', id: `to-${id}`, name: `To ${id}`, source: { kind: 'folder', folder: outbox(id) }, selection: { patterns: ['*.bin'], stableSeconds: 0 }, targets: [id] }
    // One by the clock, the others when a file appears.
    const trigger = id === 'folder' ? { kind: 'schedule', schedule: { kind: 'cron', expression: '*/2 * * * * *', zone: 'UTC' } } : { kind: 'watch' }
    await client.flows.apply({ document: { ...flow, trigger } })
    if (offered !== null)
      await client.flows.apply({ document: { direction: 'inbound', id: `from-${id}`, name: `From ${id}`, targets: [id], trigger: { kind: 'schedule', schedule: { kind: 'cron', expression: '*/3 * * * * *', zone: 'UTC' } } } })
  }
  await client.workspace.changeSettings({ diskReserveMiB: 16 })

  const ballast = join(place, 'ballast')
  return {
    partners,
    client,
    outbox,
    inbox: (partner) => join(workspace, 'partners', partner, 'Inbox'),
    drop(partner, name, content) {
      const hidden = join(outbox(partner), `.${name}.part`)
      writeFileSync(hidden, content)
      renameSync(hidden, join(outbox(partner), name))
    },
    kill,
    start,
    disk: mounted
      ? {
          fill(leaving) {
            const { bavail, bsize } = statfsSync(place)
            spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096', `count=${Math.max(0, Math.floor((bavail * bsize - leaving) / 4096))}`], { stdio: 'ignore' })
          },
          free: () => rmSync(ballast, { force: true }),
        }
      : null,
    setClock: (ms) => writeFileSync(clockFile, String(ms)),
    async run(...args) {
      const child = spawn(process.execPath, [ENTRY, '--workspace', workspace, ...args], { cwd: home, stdio: ['ignore', 'pipe', 'inherit'], env })
      let out = ''
      child.stdout.on('data', (data: Buffer) => (out += data.toString()))
      const [exit] = (await once(child, 'close')) as [number | null]
      return { exit, out }
    },
    log: () => log,
    async close() {
      for (const step of undo.toReversed()) await step()
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

async function apply(here: Installation, document: object): Promise<void> {
  const done = await here.run('partner', 'apply', here.file('partner.json', JSON.stringify(document)))
  if (done.exit !== 0) throw new Error(done.err)
}

async function filePartner(id: string, kind: string, here: Installation): Promise<CampaignPartner> {
  const found = FILE_PARTNERS.find(({ name }) => name === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  const partner: FilePartner = await found.open()
  const line = partner.server === null ? null : await hostileLineTo(partner.server.port)
  const through = line === null ? {} : id === 's3' ? { endpoint: `http://127.0.0.1:${line.port}` } : { port: line.port }
  const connection = { ...through, ...(id === 'folder' || id === 's3' ? {} : { idleTimeoutSeconds: 5 }) }
  await apply(here, { ...partner.document(connection), id, name: id })
  return {
    id,
    line,
    sent: partner.sent,
    offered: partner.offered,
    restart: async () => await partner.server?.restart(),
    async stop() {
      await line?.stop()
      await partner.stop()
    },
  }
}

/** The other company is an installation of ours; it is killed and started like any server. */
async function as2Partner(there: Installation, port: number, serve: () => Promise<Service>, here: Installation): Promise<CampaignPartner> {
  const line = await hostileLineTo(port)
  const shown = (await here.run('--json', 'partner', 'show', 'acme')).json<{ document: { connections: object[] } }>().document
  await apply(here, { ...shown, id: 'as2', name: 'as2', connections: shown.connections.map((connection) => ({ ...connection, url: `http://127.0.0.1:${line.port}/as2` })) })
  await here.run('partner', 'remove', 'acme')
  const imported = await here.run('trust', 'import', join(there.files, 'ours.pem'), '--partner', 'as2/as2', '--role', 'verify', '--role', 'encrypt', '--provenance', 'test')
  if (imported.exit !== 0) throw new Error(imported.err)
  let service = await serve()
  const kill = async (): Promise<void> => {
    service.process.kill('SIGKILL')
    await service.ended
  }
  const inbox = join(there.workspace, 'partners', 'acme', 'Inbox')
  return {
    id: 'as2',
    line,
    offered: null,
    sent: {
      names: async () => await Promise.resolve(existsSync(inbox) ? readdirSync(inbox).toSorted() : []),
      hash: async (name) => await Promise.resolve(existsSync(join(inbox, name)) ? shaOf(readFileSync(join(inbox, name))) : null),
    },
    async restart() {
      await kill()
      service = await serve()
    },
    async stop() {
      await kill()
      await line.stop()
    },
  }
}
