import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { WaybillClient } from '../../../contract/index.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import type { AffectedFlow, Consequence } from '../../../contract/trust-insights.ts'
import { writeWhole } from '../output-file.ts'
import { table, type Output } from '../output.ts'
import { limitOption, timeOption, type Register } from '../register.ts'

function days(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('give a whole number of days')
  return value
}

/** `expiry` and `what-if`. */
export function expiryCommands(program: Command, run: Register): void {
  program
    .command('expiry')
    .description('what is bound and ends, soonest first; ends with 3 when something has expired or its lead time has begun')
    .option(...limitOption)
    .option('--within <days>', 'only what ends in so many days', days)
    .option('--partner <id>', 'only what this partner rests on')
    .option('--ics <file>', 'write a calendar file there')
    .option('--feed <state>', 'the calendar as an address for calendar programs: on, off, new (the old address ends) or show; it is served by `serve --ui HOST:PORT`')
    .action(
      run(async ({ client, output }, options: { limit: number; within?: number; partner?: string; ics?: string; feed?: string }) => {
        const { ics, feed, ...query } = options
        if (feed !== undefined) return await feedAddress(client, output, feed)
        if (ics !== undefined) await writeWhole(resolve(ics), (await client.trust.calendar({})).text)
        const result = await client.trust.expiry(query)
        output.result(result, () =>
          result.entries.length === 0
            ? 'Nothing that is bound expires.'
            : table([
                ['ENDS', 'DAYS', 'STATE', 'WHAT', 'USED FOR'],
                ...result.entries.map(({ endsAt, daysLeft, state, label, part, name, uses }) => [
                  endsAt.slice(0, 10),
                  String(daysLeft),
                  state,
                  part === 'own' ? label : `${label} (${name})`,
                  [...new Set(uses.map(({ partner, role }) => `${partner ?? 'station'} ${role}`))].join(', '),
                ]),
              ]),
        )
        return result.entries.some(({ state }) => state === 'due' || state === 'expired') ? 3 : 0
      }),
    )

  program
    .command('what-if <item>')
    .description('what would fail if an item were gone now, or as things will stand at a date')
    .option('--at <time>', 'a date or time', timeOption)
    .action(
      run(async ({ client, output }, item: string, options: { at?: string }) => {
        const result = await client.trust.whatIf({ item, ...options })
        const heading = { gone: `Without ${result.label}:`, expired: `On ${result.at.slice(0, 10)} ${result.label} will have expired:`, 'still-valid': `On ${result.at.slice(0, 10)} ${result.label} still does all its work.` }[result.cause]
        output.result(result, () => [heading, ...(result.consequences.length === 0 && result.cause !== 'still-valid' ? ['  nothing fails'] : result.consequences.map(line)), ...(result.flows.length === 0 ? [] : ['Flows that run into it:', ...result.flows.map(flowLine)])].join('\n'))
      }),
    )
}

async function feedAddress(client: WaybillClient, output: Output, wanted: string): Promise<0> {
  if (!['on', 'off', 'new', 'show'].includes(wanted)) throw new AppError('input.invalid', `--feed ${wanted}: write on, off, new or show`)
  const result = wanted === 'show' ? await client.trust.calendarFeed({}) : await client.trust.setCalendarFeed({ enabled: wanted !== 'off', renew: wanted === 'new' })
  output.result(result, () => (result.path === null ? 'The calendar has no address.' : `${result.path}\nIt is served behind the address of \`waybill serve --ui 127.0.0.1:PORT\`, on this computer only. Whoever knows it reads what expires when, and nothing else.`))
  return 0
}

function flowLine({ flow, direction, partner, connection, paused, when, nextRuns }: AffectedFlow): string {
  return `  ${flow} (${direction}, ${partner}/${connection}): ${paused ? 'paused' : nextRuns.length > 0 ? `next runs ${nextRuns.join(', ')}` : when}`
}

function line({ partner, connection, role, severity, message, via }: Consequence): string {
  return `  ${partner}/${connection} ${role}${via === 'station' ? ' (our station)' : ''}: ${severity === 'breaks' ? '' : `${severity}, `}${message}`
}
