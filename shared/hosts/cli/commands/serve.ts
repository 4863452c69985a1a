import type { Command } from 'commander'
import { streamLogger } from '../../../core/kernel/logger.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { systemUser } from '../../../core/kernel/system-user.ts'
import { startCoreHost, type CoreHost } from '../../core-host.ts'
import { parseListenAddress } from '../../loopback/address.ts'
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
    .option('--supervised', 'end when standard input ends (used by the desktop shell)')
    .action(async (options: ServeOptions) => {
      await finish(optionsOf(), async (output) => {
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
        const receiver = options.as2 === undefined ? null : await listenForAs2(host, options.as2, options)
        // One line: whoever supervises reads it while the process goes on.
        process.stdout.write(
          `${output.json ? JSON.stringify({ ready: true, pid: process.pid, address, ...(receiver === null ? {} : { as2: receiver }) }) : address === null ? 'Waybill is running.' : `Open this address once, on this computer: ${address}`}\n`,
        )
        if (receiver !== null && !output.json) process.stdout.write(`AS2 messages are received at ${receiver}\n`)
        await untilTold(options.supervised === true, () => {
          const again = host.loopback?.issueAddress()
          if (again !== undefined) process.stderr.write(`Open this address once, on this computer: ${again}\n`)
        })
        await host.close()
      })
    })
}

interface ServeOptions {
  readonly ui?: string
  readonly as2?: string
  readonly as2Tls?: boolean
  readonly as2Cert?: string
  readonly supervised?: boolean
}

/** Answers the address that it listens on. Rejects with `as2.receiver_failed` and the like: whoever asked for it must hear of it. */
async function listenForAs2(host: CoreHost, address: string, options: ServeOptions): Promise<string | null> {
  const found = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(address)
  if (found?.[1] === undefined || Number(found[2]) > 65_535) throw new AppError('input.invalid', `--as2 ${address}: write HOST:PORT, like 0.0.0.0:10080`)
  const settings = { host: found[1], port: Number(found[2]), tls: options.as2Tls === true || options.as2Cert !== undefined, certificate: options.as2Cert ?? null }
  const status = await host.client({ kind: 'cli', name: systemUser() }).as2.startReceiver({ settings })
  return status.address
}

/** Until SIGTERM or SIGINT, or until the supervisor goes away. SIGUSR2 prints a fresh one-time address. */
async function untilTold(supervised: boolean, freshAddress: () => void): Promise<void> {
  await new Promise<void>((resolve) => {
    // Keeps the process alive while nothing runs.
    const alive = setInterval(() => undefined, 60_000)
    const end = (): void => {
      clearInterval(alive)
      resolve()
    }
    process.once('SIGTERM', end)
    process.once('SIGINT', end)
    if (process.platform !== 'win32') process.on('SIGUSR2', freshAddress)
    if (!supervised) return
    process.stdin.once('end', end)
    process.stdin.once('close', end)
    process.stdin.resume()
  })
}
