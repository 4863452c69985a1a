/** A private Ceph object gateway on this computer, its store in memory. It needs a monitor and a storage daemon behind it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeer, type Peer } from './peers.ts'
import { end, killAndRestart, listening } from './processes.ts'
import type { S3Account, S3Server } from './s3.ts'
import { freePort } from './sshd.ts'

export function radosgwPeer(): Peer {
  return ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph'].map((name) => findPeer(name as 'radosgw')).find((peer) => peer.absent) ?? findPeer('radosgw')
}

/** Takes about ten seconds: start it once for a whole file of tests. */
export async function startRadosgw(): Promise<S3Server> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-rgw-'))
  for (const name of ['run', 'mon', 'osd']) mkdirSync(join(home, name))
  const [monitor, gateway] = [await freePort(), await freePort()]
  const cluster = randomUUID()
  const config = join(home, 'ceph.conf')
  const keyring = join(home, 'keyring')
  writeFileSync(config, configOf(home, cluster, monitor))
  const run = (program: string, args: readonly string[], input?: string): string =>
    execFileSync(program, args, { timeout: 60_000, stdio: ['pipe', 'pipe', 'pipe'], ...(input === undefined ? {} : { input }) }).toString()
  const children: ChildProcess[] = []
  const start = (program: string, args: readonly string[]): ChildProcess => {
    const child = spawn(program, ['-c', config, ...args, '-f'], { stdio: 'ignore' })
    children.push(child)
    return child
  }
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *'])
    run('ceph-authtool', [keyring, '--gen-key', '-n', 'client.admin', '--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'])
    run('monmaptool', ['--create', '--clobber', '--fsid', cluster, '--addv', 'a', `[v2:127.0.0.1:${monitor}]`, join(home, 'monmap')])
    run('ceph-mon', ['-c', config, '--mkfs', '-i', 'a', '--monmap', join(home, 'monmap'), '--keyring', keyring])
    await listening(start('ceph-mon', ['-i', 'a']), monitor, () => logOf(home, 'mon.a'))
    const secret = run('ceph-authtool', ['--gen-print-key']).trim()
    run('ceph', ['-c', config, 'osd', 'new', cluster, '0', '-i', '-'], JSON.stringify({ cephx_secret: secret }))
    run('ceph-authtool', [keyring, '-n', 'osd.0', '--add-key', secret])
    run('ceph-osd', ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', cluster])
    start('ceph-osd', ['-i', '0'])
    const startGateway = (): ChildProcess => start('radosgw', ['-n', 'client.admin', `--rgw-frontends=beast endpoint=127.0.0.1:${gateway}`])
    let rgw = startGateway()
    const addAccount = (name: string): S3Account => {
      const account = { name, accessKeyId: `AK${randomBytes(9).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(20).toString('hex') }
      run('radosgw-admin', ['-c', config, 'user', 'create', `--uid=${name}`, `--display-name=${name}`, `--access-key=${account.accessKeyId}`, `--secret-key=${account.secretAccessKey}`])
      return account
    }
    const owner = addAccount('owner')
    await listening(rgw, gateway, () => logOf(home, 'client.admin'), 60_000)
    return {
      name: 'radosgw',
      endpoint: `http://127.0.0.1:${gateway}`,
      owner,
      addAccount,
      principal: ({ name }) => `arn:aws:iam:::user/${name}`,
      halt: (signal) => void rgw.kill(signal),
      async restart() {
        children.splice(children.indexOf(rgw), 1)
        rgw = await killAndRestart(rgw, startGateway, gateway, () => logOf(home, 'client.admin'), 60_000)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function logOf(home: string, name: string): string {
  try {
    return readFileSync(join(home, 'run', `${name}.log`), 'utf8').slice(-3_000)
  } catch {
    return ''
  }
}

function configOf(home: string, cluster: string, monitor: number): string {
  return [
    '[global]',
    `fsid = ${cluster}`,
    `mon host = [v2:127.0.0.1:${monitor}]`,
    `keyring = ${home}/keyring`,
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'osd pool default pg num = 4',
    'osd pool default pg autoscale mode = off',
    'mon allow pool size one = true',
    'mon data avail crit = 0',
    'mon data avail warn = 0',
    'osd objectstore = memstore',
    `memstore device bytes = ${6 * 1024 ** 3}`,
    'osd crush chooseleaf type = 0',
    `run dir = ${home}/run`,
    `pid file = ${home}/run/$name.pid`,
    `admin socket = ${home}/run/$name.asok`,
    `log file = ${home}/run/$name.log`,
    'log to stderr = false',
    `mon data = ${home}/mon`,
    `osd data = ${home}/osd`,
    'public network = 127.0.0.0/8',
    'public addr = 127.0.0.1',
    'cluster addr = 127.0.0.1',
    'rgw enable gc threads = false',
    'rgw enable lc threads = false',
    'rgw enable quota threads = false',
    'rgw run sync thread = false',
    '',
  ].join('\n')
}
