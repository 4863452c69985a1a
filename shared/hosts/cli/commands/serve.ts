import { InvalidArgumentError, type Command } from 'commander'
import { streamLogger } from '../../../core/kernel/logger.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { boundMemory } from '../../../core/kernel/memory-bounds.ts'
import { systemUser } from '../../../core/kernel/system-user.ts'
import { startCoreHost, type CoreHost } from '../../core-host.ts'
import { startHealthEndpoint, type HealthEndpoint } from '../../health.ts'
import { parseListenAddress, type ListenAddress } from '../../loopback/address.ts'
import { VERSION } from '../../version.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { headlessPassphrase } from '../workspace-folder.ts'

export function serveCommand(program: Command, optionsOf: () => GlobalOptions): void {
  program
    .command('serve')
    .description('run as a service: resumes deliveries, answers commands, and serves the window with --ui')
    .option('--ui <host:port>', 'serve the window in a browser on this computer (127.0.0.1:0 takes any free port)')
    .option('--as2 <host:port>', 'receive AS2 messages on this address, for this run (0.0.0.0:10080 listens on every address of this computer)')
    .option('--as2-tls', "HTTPS, with the station's certificate in the role tls-server")
    .option('--as2-cert <item>', 'HTTPS, with this certificate of the inventory')
    .option('--health <host:port>', 'answer GET /health on this computer: 200 while it can work, 503 while it cannot')
    .option('--grace <seconds>', 'how long running transfers may take to end after SIGTERM; what has not ended goes on at the next start', seconds, 20)
    .option('--supervised', 'end when standard input ends (used by the desktop shell)')
    .action(async (options: ServeOptions) => {
      await finish(optionsOf(), async (output) => {
        const healthAt = options.health === undefined ? null : parseListenAddress(options.health, '--health')
        boundMemory()
        const host = await startCoreHost({
          folder: optionsOf().workspace,
          version: VERSION,
          passphrase: await headlessPassphrase(process.env),
          mode: 'background',
          // A window can create or unlock the workspace; without one, nobody could.
          awaitOpening: options.ui !== undefined || options.supervised === true,
          ui: options.ui === undefined ? null : parseListenAddress(options.ui),
          logger: streamLogger(process.stderr),
        })
        const address = host.loopback?.issueAddress() ?? null
        // Whoever asked for a part of the service must hear that it is missing, instead of a service that runs without it.
        const { health, receiver } = await startParts(host, options, healthAt).catch(async (error: unknown) => {
          await host.close()
          throw error
        })
        // One line: whoever supervises reads it while the process goes on.
        process.stdout.write(
          `${output.json ? JSON.stringify({ ready: true, pid: process.pid, address, ...(receiver === null ? {} : { as2: receiver }), ...(health === null ? {} : { health: health.url }) }) : address === null ? 'Waybill is running.' : `Open this address once, on this computer: ${address}`}\n`,
        )
        if (receiver !== null && !output.json) process.stdout.write(`AS2 messages are received at ${receiver}\n`)
        const told = await untilTold(options.supervised === true, {
          freshAddress() {
            const again = host.loopback?.issueAddress()
            if (again !== undefined) process.stderr.write(`Open this address once, on this computer: ${again}\n`)
          },
          reload: () => void host.core.reload(),
        })
        // A second signal ends the patience; a supervisor that went away has none.
        const impatient = new AbortController()
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => impatient.abort())
        await host.close(told === 'signal' ? { ms: options.grace * 1000, signal: impatient.signal } : undefined)
        await health?.close()
      })
    })
}

interface ServeOptions {
  readonly ui?: string
  readonly as2?: string
  readonly as2Tls?: boolean
  readonly as2Cert?: string
  readonly health?: string
  readonly grace: number
  readonly supervised?: boolean
}

async function startParts(host: CoreHost, options: ServeOptions, healthAt: ListenAddress | null): Promise<{ readonly health: HealthEndpoint | null; readonly receiver: string | null }> {
  if (options.as2 !== undefined) await host.opened
  const health = healthAt === null ? null : await startHealthEndpoint(host.client({ kind: 'system', name: 'health' }), healthAt)
  try {
    return { health, receiver: options.as2 === undefined ? null : await listenForAs2(host, options.as2, options) }
  } catch (error) {
    await health?.close()
    throw error
  }
}

/** Answers the address that it listens on. Rejects with `as2.receiver_failed` and the like: whoever asked for it must hear of it. */
async function listenForAs2(host: CoreHost, address: string, options: ServeOptions): Promise<string | null> {
  const found = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(address)
  if (found?.[1] === undefined || Number(found[2]) > 65_535) throw new AppError('input.invalid', `--as2 ${address}: write HOST:PORT, like 0.0.0.0:10080`)
  const settings = { host: found[1], port: Number(found[2]), tls: options.as2Tls === true || options.as2Cert !== undefined, certificate: options.as2Cert ?? null }
  const status = await host.client({ kind: 'cli', name: systemUser() }).as2.startReceiver({ settings })
  return status.address
}

const MOST_SECONDS = 3600

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > MOST_SECONDS) throw new InvalidArgumentError(`give whole seconds up to ${MOST_SECONDS}`)
  return value
}

/** Until SIGTERM or SIGINT, or until the supervisor goes away. SIGUSR2 prints a fresh one-time address, SIGHUP reloads. */
async function untilTold(supervised: boolean, actions: { readonly freshAddress: () => void; readonly reload: () => void }): Promise<'signal' | 'supervisor'> {
  return await new Promise((resolve) => {
    // Keeps the process alive while nothing runs.
    const alive = setInterval(() => undefined, 60_000)
    const end = (by: 'signal' | 'supervisor'): void => {
      clearInterval(alive)
      resolve(by)
    }
    process.once('SIGTERM', () => end('signal'))
    process.once('SIGINT', () => end('signal'))
    if (process.platform !== 'win32') process.on('SIGUSR2', actions.freshAddress).on('SIGHUP', actions.reload)
    if (!supervised) return
    process.stdin.once('end', () => end('supervisor'))
    process.stdin.once('close', () => end('supervisor'))
    process.stdin.resume()
  })
}
