import type { Command } from 'commander'
import type { TestReport } from '../../../contract/partners.ts'
import { exitOfError } from '../exit-codes.ts'
import { failureText } from '../output.ts'
import { tryCommand } from './background.ts'
import { splitTarget, type Register } from '../register.ts'

const MARK = { running: '…', ok: '✓', failed: '✕', refused: '▲', skipped: '–' } as const

export function connectionCommands(program: Command, run: Register): void {
  const connection = program.command('connection').description('ways to reach a partner')
  tryCommand(connection, run)
  connection
    .command('test <partner>')
    .description('staged report; shows presented keys without trusting them')
    .action(
      run(async ({ client, output }, target: string) => {
        const report = await client.partners.test(splitTarget(target))
        output.result(report, () => reportText(report))
        const error = report.stages.find((stage) => stage.error !== null)?.error
        return error ? exitOfError(error) : report.ok ? 0 : 1
      }),
    )
}

function reportText(report: TestReport): string {
  const lines = report.stages.flatMap((stage) => [
    `${MARK[stage.status]} ${stage.name} (${Math.round(stage.ms)} ms)`,
    ...stage.evidence.map(({ label, value }) => `    ${label}: ${value}`),
    ...(stage.error === null ? [] : failureText(stage.error).split('\n').map((text) => `    ${text}`)),
  ])
  const { hostKey, certificate } = report
  if (hostKey !== null && hostKey.verdict !== 'pinned')
    lines.push(
      '',
      'Presented host key (not trusted by this test):',
      `  ${hostKey.fingerprint}  ${hostKey.algorithm}`,
      `  ${hostKey.publicKey}`,
      ...hostKey.expected.map(({ algorithm, fingerprint }) => `  expected: ${fingerprint}  ${algorithm}`),
      `Once the partner has confirmed this fingerprint: waybill trust pin ${report.partner}/${report.connection} --fingerprint ${hostKey.fingerprint} --provenance "how you know it"`,
    )
  if (certificate !== null && certificate.verdict !== 'trusted')
    lines.push(
      '',
      `Presented certificate (not trusted by this test): ${certificate.reason}`,
      `  ${certificate.fingerprint}`,
      `  ${certificate.publicKeyPin}`,
      `  ${certificate.subject}, issued by ${certificate.issuer}, valid until ${certificate.notAfter}`,
      ...certificate.expected.map((fingerprint) => `  expected: ${fingerprint}`),
      `Once the partner has confirmed this fingerprint: waybill trust pin ${report.partner}/${report.connection} --fingerprint ${certificate.fingerprint} --provenance "how you know it"`,
    )
  return lines.join('\n')
}
