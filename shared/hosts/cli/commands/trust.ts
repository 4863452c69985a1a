import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Role, TrustItem } from '../../../contract/trust.ts'
import type { ProvenanceInput } from '../../../contract/connections/common.ts'
import { readTextFile } from '../document-file.ts'
import { table } from '../output.ts'
import { limitOption, splitTarget, timeOption, type Register } from '../register.ts'

function provenanceOf(options: { provenance?: string; source?: ProvenanceInput['source']; person?: string }): ProvenanceInput | undefined {
  if (options.provenance === undefined && options.source === undefined) return undefined
  return {
    source: options.source ?? 'other',
    ...(options.provenance === undefined ? {} : { note: options.provenance }),
    ...(options.person === undefined ? {} : { person: options.person }),
  }
}

const line = (item: TrustItem): string[] => [item.id, item.kind, item.algorithm, item.fingerprint, item.state, item.label]

export function trustCommands(program: Command, run: Register): void {
  const trust = program.command('trust').description('keys and certificates, and what they are used for')

  trust
    .command('import <file>')
    .description('import keys; with --partner and --role they are bound at once')
    .option('--label <text>', 'how it is called here')
    .option('--password-file <file>', 'file with the passphrase of a protected key')
    .option('--partner <target...>', 'PARTNER or PARTNER/CONNECTION')
    .option('--role <role...>', 'what it does there')
    .option('--provenance <text>', 'how we know that it is genuine')
    .option('--source <source>', 'phone, mail, portal, in-person, partner-file, other')
    .option('--person <name>', 'who confirmed it')
    .action(
      run(
        async (
          { client, output },
          file: string,
          options: { label?: string; passwordFile?: string; partner?: string[]; role?: Role[]; provenance?: string; source?: ProvenanceInput['source']; person?: string },
        ) => {
          const provenance = provenanceOf(options)
          const passphrase = options.passwordFile === undefined ? undefined : (await readTextFile(options.passwordFile)).replace(/\r?\n$/, '')
          const roles = options.role ?? []
          const targets = options.partner?.map(splitTarget) ?? [{}]
          const result = await client.trust.import({
            source: { path: resolve(file) },
            bind: targets.flatMap((target) => roles.map((role) => ({ ...target, role }))),
            ...(options.label === undefined ? {} : { label: options.label }),
            ...(passphrase === undefined ? {} : { passphrase }),
            ...(provenance === undefined ? {} : { provenance }),
          })
          output.result(result, () => table(result.items.map(line)))
        },
      ),
    )

  trust
    .command('generate')
    .description('create a key pair')
    .requiredOption('--kind <kind>', 'ssh')
    .requiredOption('--label <text>', 'how it is called here')
    .option('--algorithm <name>', 'ed25519, rsa-3072 or rsa-4096', 'ed25519')
    .action(
      run(async ({ client, output }, options: { kind: 'ssh'; label: string; algorithm: 'ed25519' }) => {
        const item = await client.trust.generate(options)
        output.result(item, () => `${item.id}\n${item.publicKey ?? ''}`)
      }),
    )

  trust
    .command('list')
    .description('the inventory')
    .option(...limitOption)
    .option('--partner <id>', 'only what this partner rests on')
    .option('--kind <kind>', 'ssh-host, ssh-client, x509, ca, pgp')
    .action(
      run(async ({ client, output }, options: { limit: number; partner?: string; kind?: 'ssh-host' }) => {
        const result = await client.trust.list(options)
        output.result(result, () => table([['ID', 'KIND', 'ALGORITHM', 'FINGERPRINT', 'STATE', 'LABEL'], ...result.items.map(line)]))
      }),
    )

  trust
    .command('show <id>')
    .description('one item with provenance and bindings')
    .action(
      run(async ({ client, output }, id: string) => {
        const item = await client.trust.show({ id })
        output.result(item, () => JSON.stringify(item, null, 2))
      }),
    )

  trust
    .command('bind <id>')
    .description('use an item in a role')
    .requiredOption('--role <role>', 'what it does')
    .option('--partner <target>', 'PARTNER or PARTNER/CONNECTION; left out: our station')
    .option('--from <time>', 'active from', timeOption)
    .option('--until <time>', 'active until', timeOption)
    .action(
      run(async ({ client, output }, id: string, options: { role: Role; partner?: string; from?: string; until?: string }) => {
        const item = await client.trust.bind({
          item: id,
          role: options.role,
          ...(options.partner === undefined ? {} : splitTarget(options.partner)),
          ...(options.from === undefined ? {} : { activeFrom: options.from }),
          ...(options.until === undefined ? {} : { activeUntil: options.until }),
        })
        output.result(item, () => `${id} is bound as ${options.role}`)
      }),
    )

  trust
    .command('unbind <binding>')
    .description('end a binding (its id is shown by `trust show`)')
    .action(
      run(async ({ client, output }, binding: string) => {
        const item = await client.trust.unbind({ binding })
        output.result(item, () => `${binding} has ended`)
      }),
    )

  trust
    .command('retire <id>')
    .description('take an item out of use; refused while it is bound')
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, id: string, options: { reason?: string }) => {
        const item = await client.trust.retire({ id, ...options })
        output.result(item, () => `${id} is retired`)
      }),
    )

  trust
    .command('export <id>')
    .description('the public part as text')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.trust.export({ id })
        output.result(result, () => result.text.trimEnd())
      }),
    )

  trust
    .command('pin <target>')
    .description('trust the host key that a server presents, if it is the one whose fingerprint was compared')
    .requiredOption('--fingerprint <sha256>', 'SHA256:… as the partner told it')
    .requiredOption('--provenance <text>', 'how the fingerprint was learned')
    .option('--source <source>', 'phone, mail, portal, in-person, other', 'other')
    .option('--person <name>', 'who confirmed it')
    .option('--replace', 'end the earlier pins of this connection')
    .action(
      run(async ({ client, output }, target: string, options: { fingerprint: string; provenance: string; source: ProvenanceInput['source']; person?: string; replace?: boolean }) => {
        const item = await client.trust.pinHostKey({
          ...splitTarget(target),
          fingerprint: options.fingerprint,
          provenance: provenanceOf(options) ?? { source: 'other' },
          replace: options.replace ?? false,
        })
        output.result(item, () => `${item.fingerprint} is pinned for ${target}`)
      }),
    )
}
