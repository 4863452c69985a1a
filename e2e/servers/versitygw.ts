/** A private Versity S3 gateway on this computer over a plain folder: a second server, of other authors and in another language. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Identity } from './certificates.ts'
import { findPeer, type Peer } from './peers.ts'
import { end, killAndRestart, listening } from './processes.ts'
import type { S3Server } from './s3.ts'
import { freePort } from './sshd.ts'
import { writeFileSync } from 'node:fs'

const BUILT = join(import.meta.dirname, '../../.peers/versitygw/versitygw')

export function versitygwPeer(): Peer {
  return existsSync(BUILT) ? { path: BUILT, absent: false, note: '' } : findPeer('versitygw')
}

/** `tls`: what it presents; without, it speaks HTTP. `keepAlive`: connections last longer than one request, which this server leaves out unless told. */
export async function startVersitygw(options: { readonly tls?: Identity; readonly keepAlive?: true } = {}): Promise<S3Server & { readonly buckets: string }> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-vgw-'))
  for (const name of ['buckets', 'accounts']) mkdirSync(join(home, name))
  const port = await freePort()
  const owner = { name: 'owner', accessKeyId: `AK${randomBytes(9).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(20).toString('hex') }
  const tls = options.tls === undefined ? [] : ['--cert', file('certificate.pem', options.tls.certificate), '--key', file('key.pem', options.tls.privateKey)]
  function file(name: string, content: string): string {
    writeFileSync(join(home, name), content, { mode: 0o600 })
    return join(home, name)
  }
  const log: Buffer[] = []
  const spawnServer = (): ChildProcess => {
    const child = spawn(versitygwPeer().path ?? '', ['--port', `127.0.0.1:${port}`, '--iam-dir', join(home, 'accounts'), ...tls, ...(options.keepAlive ? ['--keep-alive'] : []), 'posix', join(home, 'buckets')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY_ID: owner.accessKeyId, ROOT_SECRET_ACCESS_KEY: owner.secretAccessKey },
  })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => log.push(data))
    return child
  }
  let server = spawnServer()
  await listening(server, port, () => Buffer.concat(log).toString())
  return {
    name: 'versitygw',
    /** The folder in which the buckets stand. */
    buckets: join(home, 'buckets'),
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    owner,
    halt: (signal) => void server.kill(signal),
    async restart() {
      server = await killAndRestart(server, spawnServer, port, () => Buffer.concat(log).toString())
    },
    async stop() {
      await end(server)
      rmSync(home, { recursive: true, force: true })
    },
  }
}
