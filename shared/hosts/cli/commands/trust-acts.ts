import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ProvenanceInput } from '../../../contract/connections/common.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { readTextFile } from '../document-file.ts'
import { writeWhole } from '../output-file.ts'
import type { Register } from '../register.ts'

export async function readPassword(file: string): Promise<string> {
  return (await readTextFile(file)).replace(/\r?\n$/, '')
}

/** What ends an item, proves it, or lets its private half out. */
export function trustActs(trust: Command, run: Register): void {
  trust
    .command('remove <id>')
    .description('delete what was imported by mistake; refused while it is bound, and for what was ever in use')
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, id: string, options: { reason?: string }) => {
        output.result(await client.trust.remove({ id, ...options }), () => `${id} is deleted`)
      }),
    )

  trust
    .command('revoke <id>')
    .description('in an emergency (a lost or stolen key): every use ends at once; `what-if` tells before what that stops')
    .requiredOption('--reason <text>', 'why')
    .option('--confirm', 'yes, end every use now')
    .action(
      run(async ({ client, output }, id: string, options: { reason: string; confirm?: boolean }) => {
        if (options.confirm !== true) throw new AppError('input.invalid', 'this ends every use of the item at once: look with what-if, then give --confirm')
        const result = await client.trust.revoke({ id, reason: options.reason, confirmed: true })
        output.result(result, () => [`${result.item.label} is revoked`, ...result.consequences.map(({ partner, connection, role, severity, message }) => `  ${partner}/${connection} ${role}: ${severity === 'breaks' ? '' : `${severity}, `}${message}`)].join('\n'))
      }),
    )

  trust
    .command('attach <id> <file>')
    .description('add a file that shows how the item is known to be genuine: a letter, a mail (1 MiB at most)')
    .option('--note <text>', 'what it is')
    .option('--source <source>', 'phone, mail, portal, in-person, partner-file, other', 'mail')
    .option('--person <name>', 'who confirmed it')
    .action(
      run(async ({ client, output }, id: string, file: string, options: { note?: string; source: ProvenanceInput['source']; person?: string }) => {
        const { note, source, person } = options
        const item = await client.trust.attach({ id, source: { path: resolve(file) }, provenance: { source, ...(note === undefined ? {} : { note }), ...(person === undefined ? {} : { person }) } })
        output.result(item, () => `${item.label}: ${item.provenance.flatMap((record) => (record.file === undefined ? [] : [`${record.file.name} (${record.file.id})`])).join(', ')}`)
      }),
    )

  trust
    .command('attachment <id> <file>')
    .description('get a file back that shows how an item is known (its id is shown by `trust show`)')
    .requiredOption('--out <file>', 'write it there')
    .action(
      run(async ({ client, output }, id: string, file: string, options: { out: string }) => {
        const result = await client.trust.attachment({ id, file })
        await writeWhole(resolve(options.out), Buffer.from(result.text, 'base64'))
        output.result({ fileName: result.fileName, file: resolve(options.out) }, () => `written to ${options.out}`)
      }),
    )

  trust
    .command('export-private <id>')
    .description('the private key in a container under a password (PKCS#12, PKCS#8 or OpenPGP armour); it stands in the audit trail')
    .requiredOption('--password-file <file>', 'file with the password of the container, at least 12 characters')
    .requiredOption('--reason <text>', 'why it leaves')
    .requiredOption('--out <file>', 'write it there, readable by you alone')
    .option('--confirm', 'yes, the private key is to leave this workspace')
    .action(
      run(async ({ client, output }, id: string, options: { passwordFile: string; reason: string; out: string; confirm?: boolean }) => {
        if (options.confirm !== true) throw new AppError('input.invalid', 'a private key leaves only with --confirm')
        const result = await client.trust.exportPrivate({ id, password: await readPassword(options.passwordFile), reason: options.reason, confirmed: true })
        await writeWhole(resolve(options.out), Buffer.from(result.text, result.encoding === 'base64' ? 'base64' : 'utf8'), 0o600)
        output.result({ fileName: result.fileName, file: resolve(options.out) }, () => `written to ${options.out}`)
      }),
    )
}
