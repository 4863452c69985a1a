import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { AuditEvent } from '../../../contract/audit.ts'
import type { WaybillClient } from '../../../contract/index.ts'
import { AppError, systemCode } from '../../../core/kernel/errors.ts'
import { writeWhole } from '../output-file.ts'
import { table } from '../output.ts'
import { limitOption, timeOption, type Register } from '../register.ts'

interface Period {
  since?: string
  until?: string
  partner?: string
}

const line = (event: AuditEvent): string[] => [String(event.seq), event.at, event.actor, event.type, `${event.subject.kind} ${event.subject.id}`, aboutOf(event)]

/** What tells one record from its neighbours at a glance; the whole of it is in `--json`. */
function aboutOf({ data }: AuditEvent): string {
  const { fileName, fingerprint, error, reason, exception, rule, seen } = data
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const policy = typeof rule === 'string' && typeof seen === 'string' ? `${rule}: ${seen}${typeof exception === 'string' ? ` (${exception})` : ''}` : undefined
  return [fileName, fingerprint, code, policy, reason].find((fact) => typeof fact === 'string') ?? ''
}

export function auditCommands(program: Command, run: Register): void {
  const audit = program.command('audit').description('the chain of records')

  audit
    .command('list')
    .description('newest first')
    .option(...limitOption)
    .option('--since <time>', 'at or after', timeOption)
    .option('--until <time>', 'before', timeOption)
    .option('--partner <id>', 'only this partner')
    .option('--type <type>', 'start of the type, like delivery.')
    .option('--search <text>', 'part of what is recorded')
    .action(
      run(async ({ client, output }, options: Period & { limit: number; type?: string; search?: string }) => {
        const result = await client.audit.list(options)
        output.result(result, () => table([['SEQ', 'AT', 'ACTOR', 'TYPE', 'SUBJECT', 'ABOUT'], ...result.events.map(line)]))
      }),
    )

  audit
    .command('trace <query>')
    .description('the life of a file: by file (its content), name, SHA-256 or delivery id')
    .action(
      run(async ({ client, output }, query: string) => {
        const result = existsSync(query) ? await client.audit.trace({ file: { path: resolve(query) } }) : await client.audit.trace({ query })
        output.result(result, () =>
          result.deliveries.length === 0
            ? `Nothing is known of ${query}.`
            : [
                table(result.deliveries.map(({ delivery }) => [delivery.id, delivery.partner, delivery.remoteName, delivery.state, delivery.sha256])),
                '',
                table(result.events.map(line)),
              ].join('\n'),
        )
        return result.deliveries.length === 0 ? 1 : 0
      }),
    )

  audit
    .command('verify')
    .description('walk the chain and name the first bad record')
    .option('--anchor <file>', 'and see whether it still is the chain of that anchor')
    .action(
      run(async ({ client, output }, { anchor }: { anchor?: string }) => {
        if (anchor !== undefined) {
          const held = await client.audit.checkAnchor({ text: await readText(resolve(anchor)) })
          output.result(held, () => (held.ok ? `The anchor of ${held.anchor.at} holds: the chain up to record ${held.anchor.seq} is the one of that time, ${held.since} records came since.` : `The anchor of ${held.anchor.at} does not hold: ${held.problem ?? 'reason unknown'}`))
          return held.ok ? 0 : 3
        }
        const verdict = await client.audit.verify({})
        output.result(verdict, () =>
          verdict.firstBad === null
            ? `The chain holds: ${verdict.checked} records, head ${verdict.head}`
            : `The chain is broken at record ${verdict.firstBad.seq} (${verdict.firstBad.problem}): ${verdict.firstBad.explanation}`,
        )
        return verdict.ok ? 0 : 3
      }),
    )

  audit
    .command('anchor')
    .description('write the head of the chain, signed, to a file that is kept elsewhere')
    .requiredOption('--out <file>', 'file to write; must not exist')
    .action(
      run(async ({ client, output }, { out }: { out: string }) => {
        const { anchor } = await client.audit.anchor({ file: { path: resolve(out) } })
        output.result({ file: resolve(out), anchor }, () => `Record ${anchor.seq} is anchored in ${resolve(out)} (head ${anchor.head}). Keep it where nobody of this computer can change it.`)
      }),
    )

  audit
    .command('export')
    .description('write the chain as JSON lines, oldest first')
    .requiredOption('--out <file>', 'file to write; must not exist')
    .option('--since <time>', 'at or after', timeOption)
    .option('--until <time>', 'before', timeOption)
    .option('--partner <id>', 'only this partner')
    .action(
      run(async ({ client, output }, options: Period & { out: string }) => {
        const { out, ...period } = options
        const events = await everyEvent(client, period)
        const text = events.map((event) => `${JSON.stringify(event)}\n`).join('')
        await writeWhole(resolve(out), text)
        const summary = { file: resolve(out), records: events.length, sha256: createHash('sha256').update(text).digest('hex') }
        output.result(summary, () => `${summary.records} records written to ${summary.file} (SHA-256 ${summary.sha256})`)
      }),
    )
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new AppError('input.unreadable', `${file} cannot be read (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}

async function everyEvent(client: WaybillClient, period: Period): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  for (let before: number | undefined; ; ) {
    const page = await client.audit.list({ ...period, limit: 1000, ...(before === undefined ? {} : { before }) })
    events.push(...page.events)
    before = page.events.at(-1)?.seq
    if (before === undefined || page.events.length < 1000) return events.toReversed()
  }
}
