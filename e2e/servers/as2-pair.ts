/** Two installations of ours that exchange AS2 messages, set up at the command line as two companies would. */
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { collect, must, newInstallation, type CommandResult, type Installation } from './waybill.ts'

export interface Company {
  readonly here: Installation
  readonly as2Id: string
  readonly port: number
  /** `serve --as2` with the receiver ready. */
  serve(): Promise<Service>
}

export interface Service {
  readonly process: ChildProcess
  readonly ended: Promise<CommandResult>
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

async function company(as2Id: string, env: Readonly<Record<string, string>>): Promise<Company> {
  const here = newInstallation(env)
  const port = await freePort()
  await must(here, 'init', '--no-keychain')
  await must(here, 'station', 'apply', here.file('station.json', JSON.stringify({ name: as2Id, as2: { id: as2Id, url: `http://127.0.0.1:${port}/as2` } })))
  const own = (await must(here, '--json', 'trust', 'generate', '--kind', 'x509', '--cn', as2Id, '--key', 'rsa-2048', '--role', 'sign', '--role', 'decrypt')).json<{ id: string }>()
  await must(here, 'trust', 'export', own.id, '--out', join(here.files, 'ours.pem'))
  return {
    here,
    as2Id,
    port,
    async serve() {
      const process = here.start('serve', '--as2', `127.0.0.1:${port}`)
      const ended = collect(process)
      await new Promise<void>((resolve, reject) => {
        process.stdout?.on('data', (data: Buffer) => data.toString().includes('AS2 messages are received') && resolve())
        process.once('exit', (code) => reject(new Error(`serve ended with ${String(code)}`)))
      })
      return { process, ended }
    },
  }
}

/** Each is the other's partner `acme`. `change`: settings of both connections; `env`: of both programs. */
export async function as2Pair(change: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}): Promise<{ left: Company; right: Company; remove(): void }> {
  const [left, right] = await Promise.all([company('LEFT', env), company('RIGHT', env)])
  const meet = async (one: Company, other: Company): Promise<void> => {
    const document = { id: 'acme', name: 'Acme', connections: [{ id: 'as2', protocol: 'as2', as2Id: other.as2Id, url: `http://127.0.0.1:${other.port}/as2`, inbound: { receiptUrl: `http://127.0.0.1:${other.port}/as2` }, ...change }] }
    await must(one.here, 'partner', 'apply', one.here.file('partner.json', JSON.stringify(document)))
    await must(one.here, 'trust', 'import', join(other.here.files, 'ours.pem'), '--partner', 'acme/as2', '--role', 'verify', '--role', 'encrypt', '--provenance', 'test')
  }
  await Promise.all([meet(left, right), meet(right, left)])
  return {
    left,
    right,
    remove() {
      left.here.remove()
      right.here.remove()
    },
  }
}
