/** The command line: what it knows, and how its words reach the core. */
import { resolve } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { VERSION } from '../version.ts'
import { finish, type GlobalOptions } from './command.ts'
import { as2Commands } from './commands/as2.ts'
import { auditCommands } from './commands/audit.ts'
import { backupCommands } from './commands/backup.ts'
import { backgroundCommands } from './commands/background.ts'
import { connectionCommands } from './commands/connection.ts'
import { deliveriesCommands, receiveCommand, sendCommand } from './commands/deliveries.ts'
import { demoCommand } from './commands/demo.ts'
import { evidenceCommands } from './commands/evidence.ts'
import { expectationCommands } from './commands/expectation.ts'
import { expiryCommands } from './commands/expiry.ts'
import { flowCommands } from './commands/flow.ts'
import { notificationCommands } from './commands/notifications.ts'
import { partnerCommands, stationCommands } from './commands/partner.ts'
import { policyCommands } from './commands/policy.ts'
import { rolloverCommands } from './commands/rollover.ts'
import { practiceCommands } from './commands/practice.ts'
import { serveCommand } from './commands/serve.ts'
import { postureCommands } from './commands/posture.ts'
import { trustCommands } from './commands/trust.ts'
import { workspaceCommands } from './commands/workspace.ts'
import { joinOrOpen } from './join-or-open.ts'
import type { Register } from './register.ts'
import { defaultFolder } from './workspace-folder.ts'

/** Runs the command of `argv` (without node and script) and sets the exit code. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  const program = new Command('waybill')
    .description('Exchange files with trading partners, and prove it.')
    .version(VERSION)
    .addOption(new Option('--workspace <folder>', 'folder of the workspace').default(defaultFolder(process.env, process.platform), "the platform's data folder, or WAYBILL_WORKSPACE"))
    .option('--json', 'print one JSON document on standard output', false)
    .showHelpAfterError('(see --help)')
    // Subcommands inherit it: wrong use must end with our exit code, and help must not skip the clean-up.
    .exitOverride()

  const optionsOf = (): GlobalOptions => {
    const { workspace, json } = program.opts<{ workspace: string; json: boolean }>()
    return { workspace: resolve(workspace), json }
  }
  const run: Register =
    (action) =>
    async (...args) => {
      const options = optionsOf()
      await finish(options, async (output) => {
        const joined = await joinOrOpen(options.workspace, { create: false })
        try {
          return await action({ options, output, client: joined.client, owner: joined.owner }, ...args)
        } finally {
          await joined.close()
        }
      })
    }

  workspaceCommands(program, optionsOf)
  stationCommands(program, run)
  partnerCommands(program, run)
  trustCommands(program, run)
  expiryCommands(program, run)
  policyCommands(program, run)
  rolloverCommands(program, run)
  postureCommands(program, run)
  connectionCommands(program, run)
  sendCommand(program, run)
  receiveCommand(program, run)
  deliveriesCommands(program, run)
  flowCommands(program, run)
  expectationCommands(program, run, optionsOf)
  notificationCommands(program, run)
  as2Commands(program, run)
  auditCommands(program, run)
  evidenceCommands(program, run, optionsOf)
  backupCommands(program, run, optionsOf)
  backgroundCommands(program, run)
  practiceCommands(program, run)
  serveCommand(program, optionsOf)
  demoCommand(program, optionsOf)

  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version end with 0; everything else that commander refuses is wrong use.
    process.exitCode = error.exitCode === 0 ? 0 : 2
    if (process.exitCode === 2 && argv.includes('--json'))
      process.stdout.write(`${JSON.stringify({ error: { code: 'input.invalid', message: error.message.replace(/^error: /, ''), exit: 2 } }, null, 2)}\n`)
  }
}
