/** The policy as a document, and its dated exceptions, at the command line. */
import type { Command } from 'commander'
import type { Policy } from '../../../contract/policy-document.ts'
import { TOLERATED, type Exception, type ExceptionState, type Toleration } from '../../../contract/policy.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { readDocument } from '../document-file.ts'
import type { Register } from '../register.ts'

export function policyDocumentCommands(policy: Command, run: Register): void {
  policy
    .command('show [partner]')
    .description('what is agreed with a partner; without one, the policy for everyone')
    .action(
      run(async ({ client, output }, partner?: string) => {
        if (partner === undefined) {
          const result = await client.policy.everyone({})
          output.result(result, () => ['The policy for everyone', ...policyLines(result.effective), Object.keys(result.document).length === 0 ? 'Nothing differs from what Waybill starts with.' : `Changed: ${JSON.stringify(result.document)}`].join('\n'))
          return
        }
        const result = await client.policy.show({ partner })
        output.result(result, () =>
          [
            ...result.connections.flatMap(({ connection, protocol, rules, exceptions }) => [`${connection} (${protocol})`, ...rules.map(({ label, value }) => `  ${label}: ${value}`), ...exceptions.map((exception) => `  ${exceptionText(exception)}`)]),
            'The policy that holds',
            ...policyLines(result.effective),
            Object.keys(result.document).length === 0 ? 'Nothing differs from the policy for everyone.' : `Different for this partner: ${JSON.stringify(result.document)}`,
            ...(result.hardened ? ['Hardened mode is on.'] : []),
            ...result.refusals.map(({ lastAt, connection, direction, rule, seen, times }) => `refused ${lastAt} ${connection} ${direction} ${rule}: ${seen}${times > 1 ? ` (${times} times)` : ''}`),
          ].join('\n'),
        )
      }),
    )

  policy
    .command('apply <file>')
    .description('set the policy for everyone, or what differs for one partner, from a JSON document ("-" reads standard input)')
    .option('--partner <id>', 'only for this partner')
    .action(
      run(async ({ client, output }, file: string, options: { partner?: string }) => {
        const result = await client.policy.apply({ document: await readDocument(file), ...options })
        output.result(result, () => `policy ${options.partner === undefined ? 'for everyone' : `of ${options.partner}`} ${result.changed ? 'saved' : 'unchanged'}`)
      }),
    )

  policy
    .command('schema')
    .description('the JSON Schema of a policy document')
    .action(
      run(async ({ client, output }) => {
        const { schema } = await client.partners.schema({ of: 'policy' })
        output.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )

  policy
    .command('except <partner>')
    .description('tolerate one weakness for a while; a new term takes the place of the old one. Without --allow: lists what can be tolerated')
    .option('--allow <name>', 'what is tolerated')
    .option('--reason <text>', 'why')
    .option('--owner <name>', 'who answers for it')
    .option('--until <date>', 'the last day on which it holds (UTC), YYYY-MM-DD')
    .option('--connection <id>', 'only for this connection')
    .action(
      run(async ({ client, output }, partner: string, { allow, reason, owner, until, connection }: Partial<Exception>) => {
        if (allow === undefined) {
          output.result(TOLERATED, () => Object.entries(TOLERATED).map(([name, text]) => `${name}: ${text}`).join('\n'))
          return
        }
        if (reason === undefined || owner === undefined || until === undefined) throw new AppError('input.invalid', 'an exception needs --reason, --owner and --until')
        const result = await client.policy.addException({ partner, exception: { allow: toleration(allow), reason, owner, until, ...(connection === undefined ? {} : { connection }) } })
        output.result(result, () => result.exceptions.map(exceptionText).join('\n'))
      }),
    )

  policy
    .command('exceptions <partner>')
    .description('the exceptions of a partner: how long they hold, and what relied on them')
    .action(
      run(async ({ client, output }, partner: string) => {
        const { exceptions } = await client.partners.show({ id: partner })
        output.result({ exceptions }, () => (exceptions.length === 0 ? 'No exceptions.' : exceptions.map(exceptionText).join('\n')))
      }),
    )

  policy
    .command('end-exception <partner>')
    .description('take an exception away before its end')
    .requiredOption('--allow <name>', 'which one')
    .option('--connection <id>', 'that of this connection')
    .action(
      run(async ({ client, output }, partner: string, { allow, connection }: { allow: string; connection?: string }) => {
        const result = await client.policy.endException({ partner, allow: toleration(allow), ...(connection === undefined ? {} : { connection }) })
        output.result(result, () => `${result.ended} ended, ${result.exceptions.length} left`)
      }),
    )

  policy
    .command('reviews')
    .description('when each partner was reviewed last and is due again; ends with 3 when a review is overdue')
    .action(
      run(async ({ client, output }) => {
        const result = await client.policy.reviews({})
        output.result(result, () => result.reviews.map(({ partner, name, at, by, due, overdue }) => `${overdue ? 'OVERDUE ' : ''}${partner} (${name}): ${at === null ? 'never reviewed' : `reviewed on ${at.slice(0, 10)} by ${by ?? ''}, due ${due ?? ''}`}`).join('\n') || 'No partners.')
        return result.reviews.some(({ overdue }) => overdue) ? 3 : 0
      }),
    )
}

function toleration(name: string): Toleration {
  if (name in TOLERATED) return name as Toleration
  throw new AppError('input.invalid', `--allow: there is no "${name}"; one of ${Object.keys(TOLERATED).join(', ')}`)
}

export function exceptionText({ allow, connection, until, active, daysLeft, reason, owner, used }: ExceptionState): string {
  const where = connection === undefined ? '' : ` on ${connection}`
  const relied = used === null || used.deliveries === 0 ? '' : `; ${used.deliveries} ${used.deliveries === 1 ? 'delivery' : 'deliveries'} relied on it, the last on ${used.lastAt?.slice(0, 10) ?? ''}`
  return `exception ${allow}${where}: ${active ? `${daysLeft} day(s) left, until ${until}` : `ended on ${until}`}; ${reason} (${owner})${relied}`
}

function policyLines({ hardened, send, receive, receipts, roles, tls, ssh }: Policy): string[] {
  const must = ({ signed, encrypted }: Policy['send']): string => [signed ? 'signed' : '', encrypted ? 'encrypted' : ''].filter((word) => word !== '').join(' and ') || 'as each connection says'
  return [
    `  hardened mode: ${hardened ? 'on' : 'off'}`,
    `  what we send must be: ${must(send)}`,
    `  what we receive must be: ${must(receive)}`,
    `  receipts: ${receipts.signed ? 'signed, ' : ''}with ${receipts.digests.join(', ')}`,
    `  TLS: ${tls.minimum} or later${tls.forwardSecrecy ? ', with forward secrecy' : ''}`,
    `  SSH: ${[...ssh.kex, ...ssh.ciphers, ...ssh.macs].join(', ')}`,
    ...Object.entries(roles).map(([role, { rsaBits, ...lists }]) => `  ${role}: ${[...Object.values(lists).map((names) => (names as readonly string[]).join(', ')), `RSA from ${rsaBits} bit`].join('; ')}`),
  ]
}
