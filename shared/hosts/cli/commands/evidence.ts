import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { EvidenceVerdict } from '../../../contract/evidence.ts'
import { verifyEvidence } from '../../../core/evidence/verify.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { bytesText, table } from '../output.ts'
import type { Register } from '../register.ts'

/** `evidence export` and `verify`: everything that proves one delivery to a stranger. */
export function evidenceCommands(program: Command, run: Register, optionsOf: () => GlobalOptions): void {
  const evidence = program.command('evidence').description('what proves one delivery to a stranger')

  evidence
    .command('export <delivery>')
    .description('one ZIP file with the delivery, its records, the message, receipt and certificates, signed')
    .requiredOption('--out <file>', 'file to write; must not exist')
    .option('--without-content', 'leave the file itself out; its SHA-256 is always there', false)
    .action(
      run(async ({ client, output }, delivery: string, { out, withoutContent }: { out: string; withoutContent: boolean }) => {
        const exported = await client.evidence.export({ delivery, path: resolve(out), content: !withoutContent })
        output.result(exported, () =>
          [
            `${exported.path}: ${exported.manifest.files.length} files, ${bytesText(exported.bytes)} (SHA-256 ${exported.sha256})`,
            ...exported.manifest.missing.map((text) => `  ${text}`),
            `Signed with the key ${exported.key}: tell it to the reader over another channel.`,
          ].join('\n'),
        )
      }),
    )

  evidence
    .command('verify <file>')
    .description('check such a file, ours or somebody else’s; needs no workspace')
    .option('--key <sha256>', 'what its owner says that the SHA-256 of the key is')
    .action(async (file: string, { key }: { key?: string }) => {
      await finish(optionsOf(), async (output) => {
        const verdict = await verifyEvidence(resolve(file), key)
        output.result(verdict, () => verdictText(verdict))
        return verdict.ok ? 0 : 4
      })
    })
}

const word = (ok: boolean | null): string => (ok === null ? '–' : ok ? 'holds' : 'DOES NOT HOLD')

function verdictText({ ok, checks, says, key, manifest }: EvidenceVerdict): string {
  return [
    ok ? 'The evidence holds.' : 'The evidence does not hold.',
    table(checks.map((check) => [check.check, word(check.ok), check.detail])),
    ...(says === null ? [] : ['', says.trimEnd()]),
    '',
    `Exported ${manifest?.exportedAt ?? ''} by workspace ${manifest?.workspace ?? ''}, key ${key ?? 'none'}`,
  ].join('\n')
}
