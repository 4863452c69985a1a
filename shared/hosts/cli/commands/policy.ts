import { resolve } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../../../core/kernel/errors.ts'
import { writeWhole } from '../output-file.ts'
import type { Register } from '../register.ts'
import { policyDocumentCommands } from './policy-documents.ts'

export function policyCommands(program: Command, run: Register): void {
  const policy = program.command('policy').description('what is agreed about cryptography, exceptions, reviews, and all of it as text that is approved')

  policyDocumentCommands(policy, run)

  policy
    .command('review <partner>')
    .description('each role: what policy asks, what is bound, what traffic showed; with --by it is noted as reviewed. Ends with 3 when a role lacks what it needs or the review is overdue')
    .option('--by <name>', 'who looked at it')
    .option('--note <text>', 'anything worth keeping')
    .option('--due <date>', 'when it must be reviewed again (default: in a year)')
    .action(
      run(async ({ client, output }, partner: string, options: { by?: string; note?: string; due?: string }) => {
        const { by, ...rest } = options
        const result = by === undefined ? await client.policy.review({ partner }) : await client.policy.recordReview({ partner, by, ...rest })
        output.result(result, () =>
          [
            ...result.roles.flatMap(({ connection, role, asked, bound, seen, verdict }) => [
              `${verdict === 'missing' ? 'MISSING ' : ''}${connection} ${role}: ${asked}`,
              ...bound.map(({ label, fingerprint, assurance, via, problems }) => `  ${label} ${fingerprint} (${assurance}${via === 'station' ? ', our station' : ''})${problems.map(({ message }) => `; ${message}`).join('')}`),
              ...seen.map(({ label, value }) => `  seen ${label}: ${value}`),
            ]),
            result.last === null ? 'Never reviewed.' : `Reviewed on ${result.last.at.slice(0, 10)} by ${result.last.by}; next due ${result.last.due}${result.overdue ? ' (overdue)' : ''}.`,
          ].join('\n'),
        )
        return result.overdue || result.roles.some(({ verdict }) => verdict === 'missing') ? 3 : 0
      }),
    )

  policy
    .command('lock')
    .description('the canonical text of all trust and policy')
    .option('--out <file>', 'write it there')
    .action(
      run(async ({ client, output }, options: { out?: string }) => {
        const result = await client.policy.lock({})
        if (options.out !== undefined) await writeWhole(resolve(options.out), result.text)
        output.result({ ...result, ...(options.out === undefined ? {} : { file: resolve(options.out) }) }, () => (options.out === undefined ? result.text.trimEnd() : `written to ${options.out} (SHA-256 ${result.sha256})`))
      }),
    )

  policy
    .command('diff')
    .description('what has changed since the last approval; ends with 3 when something has')
    .action(
      run(async ({ client, output }) => {
        const result = await client.policy.diff({})
        output.result(result, () =>
          [
            result.approved === null ? 'Nothing was approved yet.' : `Approved on ${result.approved.at} by ${result.approved.by}: ${result.approved.reason}${result.signatureValid ? '' : ' (THE SIGNATURE DOES NOT VERIFY)'}`,
            ...(result.lines.length === 0 ? ['No changes.'] : result.lines.map(({ change, text }) => `${change === 'added' ? '+' : '-'} ${text}`)),
          ].join('\n'),
        )
        return result.changed ? 3 : 0
      }),
    )

  policy
    .command('approve')
    .description('approve all trust and policy as it is now, signed with the key of this workspace')
    .requiredOption('--by <name>', 'who approves')
    .requiredOption('--reason <text>', 'why')
    .option('--sha256 <hash>', 'only if the text is still this one')
    .action(
      run(async ({ client, output }, options: { by: string; reason: string; sha256?: string }) => {
        const result = await client.policy.approve(options)
        output.result(result, () => `approved: SHA-256 ${result.sha256}`)
      }),
    )

  policy
    .command('harden <state>')
    .description('on: exchange nothing with a partner whose trust or policy was not approved; off')
    .action(
      run(async ({ client, output }, state: string) => {
        if (state !== 'on' && state !== 'off') throw new AppError('input.invalid', 'write on or off')
        const result = await client.policy.setHardened({ on: state === 'on' })
        output.result(result, () => `hardened mode is ${state}`)
      }),
    )
}
