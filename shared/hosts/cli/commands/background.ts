import type { Command } from 'commander'
import type { BackgroundStatus } from '../../../contract/background.ts'
import type { InputOf } from '../../../contract/define.ts'
import { Settings, type workspace } from '../../../contract/workspace.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { bytesText, table } from '../output.ts'
import { splitTarget, type Register } from '../register.ts'

export function backgroundCommands(program: Command, run: Register): void {
  program
    .command('status')
    .description('what goes on: network, disk, transfers, connections that are left alone, flows that run and come next')
    .action(
      run(async ({ client, output }) => {
        const [background, flows, deliveries] = await Promise.all([client.background.status({}), client.flows.overview({}), client.deliveries.counts({})])
        output.result({ ...background, flows, deliveries }, () =>
          [
            ...backgroundLines(background),
            `Deliveries  ${deliveries.running} under way, ${deliveries.waiting} wait, ${deliveries.attention} need a look, ${deliveries.deliveredToday} delivered today`,
            `Flows       ${flows.running.length === 0 ? 'none runs' : `running: ${flows.running.join(', ')}`}${flows.paused === null ? '' : `; all are paused${flows.paused.until === null ? '' : ` until ${flows.paused.until}`}`}`,
            ...flows.next.map(({ flow, at }) => `            ${at}  ${flow}`),
          ].join('\n'),
        )
      }),
    )

  program
    .command('settings [change...]')
    .description('show the settings of this installation, or change some: NAME=VALUE …')
    .action(
      run(async ({ client, output }, changes: string[]) => {
        const settings = changes.length === 0 ? await client.workspace.settings({}) : await client.workspace.changeSettings(parseChanges(changes))
        output.result(settings, () => table(Object.entries(settings).map(([name, value]) => [name, String(value)])))
      }),
    )
}

/** `connection try PARTNER[/CONNECTION]`. */
export function tryCommand(connection: Command, run: Register): void {
  connection
    .command('try <partner>')
    .description('try now what waits for a connection that is left alone after failures')
    .action(
      run(async ({ client, output }, target: string) => {
        const status = await client.background.tryAgain(splitTarget(target))
        output.result(status, () => backgroundLines(status).join('\n'))
      }),
    )
}

function backgroundLines({ network, disk, leftAlone, postponed, transfers }: BackgroundStatus): string[] {
  return [
    `Network     ${network.state} since ${network.since}${postponed === 0 ? '' : `; ${postponed} deliveries wait`}`,
    `Disk        ${bytesText(disk.freeBytes)} free, ${bytesText(disk.reserveBytes)} kept in reserve${disk.low ? '; too little: nothing is received now' : ''}`,
    `Transfers   ${transfers}`,
    ...leftAlone.map((line) => `Left alone  ${line.partner}/${line.connection}: ${line.failures} failures since ${line.since}, next try ${line.nextTryAt} (${line.error.message})`),
  ]
}

function parseChanges(changes: readonly string[]): InputOf<typeof workspace.changeSettings> {
  const given = changes.map((text) => {
    const at = text.indexOf('=')
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    if (at < 1 || !Object.hasOwn(Settings.shape, name)) throw new AppError('input.invalid', `${text}: write NAME=VALUE with one of ${Object.keys(Settings.shape).join(', ')}`)
    return [name, value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : value] as const
  })
  const parsed = Settings.partial().safeParse(Object.fromEntries(given))
  if (!parsed.success) throw new AppError('input.invalid', parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  return parsed.data
}
