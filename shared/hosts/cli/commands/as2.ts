import type { Command } from 'commander'
import type { InboundEntry, ReceiverStatus } from '../../../contract/as2.ts'
import { messageText } from '../message-text.ts'
import { bytesText, failureText, table } from '../output.ts'
import { limitOption, type Register } from '../register.ts'

export function as2Commands(program: Command, run: Register): void {
  const as2 = program.command('as2').description('our AS2 receiver, and what came in')

  as2
    .command('status')
    .description('whether the receiver listens, and where')
    .action(
      run(async ({ client, output }) => {
        const status = await client.as2.receiver({})
        output.result(status, () => statusText(status))
        return status.error === null ? 0 : 3
      }),
    )

  as2
    .command('configure')
    .description('switch the receiver on or off for good; it listens while Waybill runs (`waybill serve` or the window)')
    .option('--on', 'listen')
    .option('--off', 'do not listen')
    .option('--host <host>', 'address of this computer')
    .option('--port <port>', 'port', Number)
    .option('--tls', "HTTPS with the station's certificate")
    .option('--no-tls', 'plain HTTP, behind a proxy or for messages that are protected by themselves')
    .option('--certificate <item>', 'certificate of the inventory')
    .option('--old-http', 'take folded header lines and other HTTP of old products')
    .option('--no-old-http', 'refuse them, as most servers do')
    .action(
      run(async ({ client, output }, options: { on?: boolean; off?: boolean; host?: string; port?: number; tls?: boolean; certificate?: string; oldHttp?: boolean }) => {
        const { on, off, ...rest } = options
        const status = await client.as2.configureReceiver({ ...rest, ...(on === true ? { enabled: true } : off === true ? { enabled: false } : {}) })
        output.result(status, () => statusText(status))
        return status.error === null ? 0 : 3
      }),
    )

  as2
    .command('inbound')
    .description('what came to the receiver, newest first, taken over or not')
    .option(...limitOption)
    .action(
      run(async ({ client, output }, options: { limit: number }) => {
        const result = await client.as2.inbound(options)
        output.result(result, () => table([['ID', 'RECEIVED', 'FROM', 'SIZE', 'STATE', 'WHY'], ...result.entries.map(inboundRow)]))
      }),
    )

  as2
    .command('message <id>')
    .description('one message that came in, by its id from `as2 inbound`')
    .action(
      run(async ({ client, output }, id: string) => {
        const { message } = await client.as2.message({ inbound: id })
        if (message === null) {
          output.failure({ code: 'input.not_found', message: `there is no message ${id}` })
          return 2
        }
        output.result(message, () => messageText(message))
        return 0
      }),
    )
}

function inboundRow(entry: InboundEntry): string[] {
  return [entry.id, entry.at, `${entry.as2From}${entry.partner === null ? ' (unknown)' : ''}`, bytesText(entry.bytes), entry.state, entry.reason ?? '']
}

function statusText(status: ReceiverStatus): string {
  const { settings, error } = status
  const rows = [
    ['Receiver', status.listening ? `listens at ${status.address ?? ''} since ${status.since ?? ''}` : settings.enabled ? 'switched on, does not listen now' : 'off'],
    ['Address for partners', status.publicAddress ?? 'none entered in the station'],
    ['Since it listens', `${status.messages} messages, ${status.duplicates} repetitions, ${status.receipts} receipts, ${status.refused} refused`],
    ['Receipts to post', String(status.receiptsToPost)],
  ]
  return [table(rows), ...(error === null ? [] : ['', failureText(error)])].join('\n')
}
