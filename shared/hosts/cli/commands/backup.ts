import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { AppError } from '../../../core/kernel/errors.ts'
import type { BackupVerdict } from '../../../contract/safekeeping.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { joinOrOpen } from '../join-or-open.ts'
import { headlessPassphrase } from '../workspace-folder.ts'
import type { Register } from '../register.ts'

function verdictText({ ok, header, payloads, bytes, records, head, problem }: BackupVerdict): string {
  return ok
    ? `The backup of ${header.createdAt} holds: ${records} records (head ${head}), ${payloads} files, ${bytes} bytes. Made by Waybill ${header.version}.`
    : `The backup of ${header.createdAt} does not hold: ${problem ?? 'reason unknown'}`
}

function wholeDays(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 365) throw new InvalidArgumentError('give a whole number from 1 to 365')
  return value
}

/** `backup create`, `restore`, `verify`, and what happens by itself. */
export function backupCommands(program: Command, run: Register, optionsOf: () => GlobalOptions): void {
  const backup = program.command('backup').description('sealed copies of the whole workspace')

  backup
    .command('create')
    .description('one sealed file with everything; the recovery passphrase opens it')
    .option('--out <file>', 'file to write, outside the workspace; must not exist. Left out: into the folder of the settings')
    .action(
      run(async ({ client, output }, { out }: { out?: string }) => {
        const result = await client.safekeeping.backUp(out === undefined ? {} : { file: { path: resolve(out) } })
        output.result(result, () => `${result.file}: ${result.records} records, ${result.payloads} files, ${result.bytes} bytes (SHA-256 ${result.sha256})`)
      }),
    )

  backup
    .command('verify <file>')
    .description('reads all of a backup: its pieces, its database, its audit chain (needs the workspace or WAYBILL_PASSPHRASE)')
    .action(async (file: string) => {
      await finish(optionsOf(), async (output) => {
        const passphrase = await headlessPassphrase(process.env)
        const joined = await joinOrOpen(optionsOf().workspace, { create: true })
        try {
          const verdict = await joined.client.workspace.verifyBackup({ file: { path: resolve(file) }, ...(passphrase === undefined ? {} : { passphrase }) })
          output.result(verdict, () => verdictText(verdict))
          return verdict.ok ? 0 : 3
        } finally {
          await joined.close()
        }
      })
    })

  backup
    .command('restore <file>')
    .description('into an empty workspace folder; every partner comes back suspended')
    .action(async (file: string) => {
      await finish(optionsOf(), async (output) => {
        const passphrase = await headlessPassphrase(process.env)
        if (passphrase === undefined) throw new AppError('workspace.passphrase_needed', 'neither WAYBILL_PASSPHRASE_FILE nor WAYBILL_PASSPHRASE is set')
        const joined = await joinOrOpen(optionsOf().workspace, { create: true })
        try {
          const result = await joined.client.workspace.restore({ file: { path: resolve(file) }, passphrase })
          output.result(result, () => `${verdictText(result.verdict)}\nRestored. ${result.suspended} partners are suspended: look at what was sent since ${result.verdict.header.createdAt}, then resume them one by one.`)
        } finally {
          await joined.close()
        }
      })
    })

  backup
    .command('settings')
    .description('shows or changes what happens by itself')
    .option('--folder <folder>', 'where backups go; "none": only when asked')
    .option('--every <days>', 'a new one after so many days', wholeDays)
    .option('--keep <n>', 'so many are kept there', wholeDays)
    .option('--anchor-folder <folder>', 'where an anchor of the audit chain is written each day; "none": only when asked')
    .action(
      run(async ({ client, output }, { folder, every, keep, anchorFolder }: { folder?: string; every?: number; keep?: number; anchorFolder?: string }) => {
        const place = (text: string): string | null => (text === 'none' ? null : resolve(text))
        const change = { ...(folder === undefined ? {} : { folder: place(folder) }), ...(every === undefined ? {} : { everyDays: every }), ...(keep === undefined ? {} : { keep }), ...(anchorFolder === undefined ? {} : { anchorFolder: place(anchorFolder) }) }
        const state = Object.keys(change).length === 0 ? await client.safekeeping.state({}) : await client.safekeeping.configure(change)
        output.result(state, () =>
          [
            `Backups: ${state.settings.folder === null ? 'only when asked' : `every ${state.settings.everyDays} days to ${state.settings.folder}, ${state.settings.keep} are kept`}`,
            `Newest backup: ${state.lastBackup === null ? 'none' : `${state.lastBackup.at} ${state.lastBackup.file}`}`,
            `Anchors: ${state.settings.anchorFolder === null ? 'only when asked' : `daily to ${state.settings.anchorFolder}`}`,
            `Newest anchor: ${state.lastAnchor === null ? 'none' : `${state.lastAnchor.at}, record ${state.lastAnchor.seq}`}`,
            ...(state.problem === null ? [] : [state.problem]),
          ].join('\n'),
        )
      }),
    )
}
