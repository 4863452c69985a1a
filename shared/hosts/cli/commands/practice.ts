import { once } from 'node:events'
import type { Command } from 'commander'
import type { PracticeStatus } from '../../../contract/partners.ts'
import { bytesText, table } from '../output.ts'
import type { Register } from '../register.ts'

export function practiceCommands(program: Command, run: Register): void {
  const practice = program.command('practice').description('the practice partner: real SFTP, FTPS, S3 and AS2 servers on this computer, to try things out')

  practice
    .command('start')
    .description('start its servers and apply the partner `practice`; they end with the window or `waybill serve`, or else with this command (Ctrl-C)')
    .action(
      run(async ({ client, output, owner }) => {
        const status = await client.practice.start({})
        output.result(status, () => statusText(status))
        if (!owner) return
        output.note('It runs until this command is ended (Ctrl-C). Meanwhile other commands reach it, in another terminal.')
        await untilTold()
      }),
    )

  practice
    .command('stop')
    .description('end its servers')
    .action(
      run(async ({ client, output }) => {
        const status = await client.practice.stop({})
        output.result(status, () => statusText(status))
      }),
    )

  practice
    .command('status')
    .description('where its servers listen, and what has arrived there')
    .action(
      run(async ({ client, output }) => {
        const status = await client.practice.status({})
        output.result(status, () => statusText(status))
      }),
    )

  practice
    .command('offer')
    .description('let it offer a file, which `receive practice/sftp`, `practice/ftps` or `practice/s3` collects')
    .action(
      run(async ({ client, output }) => {
        const offered = await client.practice.offer({})
        output.result(offered, () => `It offers ${offered.name}: collect it with \`waybill receive practice/ftps\`, or by another of its connections.`)
      }),
    )

  practice
    .command('message')
    .description('let it send us an AS2 message, and say whether our receipt convinced it')
    .action(
      run(async ({ client, output }) => {
        const sent = await client.practice.sendToUs({})
        output.result(sent, () => [`${sent.name}: ${sent.disposition}`, ...sent.reasons].join('\n'))
        return sent.delivered ? 0 : 1
      }),
    )
}

function statusText({ running, services, received }: PracticeStatus): string {
  if (!running) return 'The practice partner does not run.'
  const files = received.length === 0 ? ['Nothing has arrived there yet.'] : ['', table(received.map(({ name, size, sha256, at }) => [name, bytesText(size), sha256.slice(0, 16), at]))]
  return [table(services.map(({ connection, protocol, address }) => [`practice/${connection}`, protocol, address])), ...files].join('\n')
}

async function untilTold(): Promise<void> {
  const alive = setInterval(() => undefined, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
}
