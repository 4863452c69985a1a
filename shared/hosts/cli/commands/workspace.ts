import type { Command } from 'commander'
import { AppError } from '../../../core/kernel/errors.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { joinOrOpen } from '../join-or-open.ts'
import { headlessPassphrase } from '../workspace-folder.ts'

const MARK = { ok: '✓', warning: '▲', failed: '✕' } as const

export function workspaceCommands(program: Command, optionsOf: () => GlobalOptions): void {
  program
    .command('init')
    .description('create the workspace (recovery passphrase from WAYBILL_PASSPHRASE_FILE or WAYBILL_PASSPHRASE)')
    .option('--no-keychain', "do not store the key in this computer's keychain")
    .action(async (options: { keychain: boolean }) => {
      await finish(optionsOf(), async (output) => {
        const passphrase = await headlessPassphrase(process.env)
        if (passphrase === undefined) throw new AppError('workspace.passphrase_needed', 'neither WAYBILL_PASSPHRASE_FILE nor WAYBILL_PASSPHRASE is set')
        const joined = await joinOrOpen(optionsOf().workspace, { create: true })
        try {
          const status = await joined.client.workspace.create({ passphrase, useKeychain: options.keychain })
          output.result(status, () => `Workspace created in ${status.folder}${status.keyInKeychain ? '; its key is in the keychain' : '; it opens with the passphrase only'}`)
        } finally {
          await joined.close()
        }
      })
    })

  program
    .command('doctor')
    .description('self-test: runtime, primitives, store, keychain, disk, clock')
    .action(async () => {
      await finish(optionsOf(), async (output) => {
        const joined = await joinOrOpen(optionsOf().workspace, { create: true })
        try {
          const report = await joined.client.workspace.doctor({})
          output.result(report, () => report.checks.map((check) => `${MARK[check.status]} ${check.name}: ${check.detail}${check.remedy === null ? '' : `\n    ${check.remedy}`}`).join('\n'))
          return report.ok ? 0 : 3
        } finally {
          await joined.close()
        }
      })
    })
}
