import type { Command } from 'commander'
import { streamLogger } from '../../../core/kernel/logger.ts'
import { startCoreHost } from '../../core-host.ts'
import { parseListenAddress } from '../../loopback/address.ts'
import { VERSION } from '../../version.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { headlessPassphrase } from '../workspace-folder.ts'

export function serveCommand(program: Command, optionsOf: () => GlobalOptions): void {
  program
    .command('serve')
    .description('run as a service: resumes deliveries, answers commands, and serves the window with --ui')
    .option('--ui <host:port>', 'serve the window in a browser on this computer (127.0.0.1:0 takes any free port)')
    .option('--supervised', 'end when standard input ends (used by the desktop shell)')
    .action(async (options: { ui?: string; supervised?: boolean }) => {
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
        // One line: whoever supervises reads it while the process goes on.
        process.stdout.write(
          `${output.json ? JSON.stringify({ ready: true, pid: process.pid, address }) : address === null ? 'Waybill is running.' : `Open this address once, on this computer: ${address}`}\n`,
        )
        await untilTold(options.supervised === true, () => {
          const again = host.loopback?.issueAddress()
          if (again !== undefined) process.stderr.write(`Open this address once, on this computer: ${again}\n`)
        })
        await host.close()
      })
    })
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
