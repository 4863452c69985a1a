import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Channel } from '../../../contract/notifications.ts'
import { exitOfError } from '../exit-codes.ts'
import { readDocument, secretValue } from '../document-file.ts'
import { failureText, table } from '../output.ts'
import { limitOption, type Register } from '../register.ts'

export function notificationCommands(program: Command, run: Register): void {
  const notifications = program.command('notifications').description('how people hear of what happens: desktop, e-mail, webhook')

  notifications
    .command('show')
    .description('the settings, secrets left out')
    .action(
      run(async ({ client, output }) => {
        const settings = await client.notifications.settings({})
        output.result(settings, () => JSON.stringify(settings, null, 2))
      }),
    )

  notifications
    .command('apply <file>')
    .description('replace the settings by a JSON document (- reads standard input); secrets may be { "file": … } or { "env": … }')
    .action(
      run(async ({ client, output }, file: string) => {
        const result = await client.notifications.apply({ settings: await withSecrets(await readDocument(file), file === '-' ? process.cwd() : dirname(resolve(file))) })
        output.result(result, () => `notifications ${result.changed ? 'changed' : 'unchanged'}: ${channelsText(result.settings)}`)
      }),
    )

  notifications
    .command('test <channel>')
    .description('send a message by email, by webhook or to the desktop (native) now')
    .action(
      run(async ({ client, output }, channel: string) => {
        if (channel !== 'email' && channel !== 'webhook' && channel !== 'native') {
          output.failure({ code: 'input.invalid', message: 'channel: write email, webhook or native' })
          return 2
        }
        const result = await client.notifications.test({ channel: channel satisfies Channel })
        output.result(result, () => (result.ok ? `${channel === 'native' ? 'desktop' : `${channel} works`}: ${result.answer}` : `${channel} does not work`))
        if (result.error !== null) output.note(failureText(result.error))
        return result.error === null ? 0 : exitOfError(result.error)
      }),
    )

  notifications
    .command('outbox')
    .description('messages on their way and sent, newest first')
    .option(...limitOption)
    .action(
      run(async ({ client, output }, { limit }: { limit: number }) => {
        const result = await client.notifications.outbox({ limit })
        output.result(result, () =>
          result.entries.length === 0
            ? 'Nothing was sent yet.'
            : table([['AT', 'CHANNEL', 'STATE', 'TRIES', 'NEXT TRY', 'TITLE', 'PROBLEM'], ...result.entries.map((row) => [row.createdAt, row.channel, row.state, String(row.tries), row.nextTryAt ?? '', row.title, row.error?.message ?? ''])]),
        )
        return result.entries.some(({ state }) => state === 'failed') ? 3 : 0
      }),
    )

  notifications
    .command('list')
    .description('what was raised, newest first')
    .option(...limitOption)
    .action(
      run(async ({ client, output }, { limit }: { limit: number }) => {
        const result = await client.notifications.notices({ limit })
        output.result(result, () => (result.notices.length === 0 ? 'Nothing was raised yet.' : table([['AT', 'ABOUT', 'TITLE', 'TEXT'], ...result.notices.map(({ at, subject, title, body }) => [at, subject === null ? '' : `${subject.kind} ${subject.id}`, title, body])])))
      }),
    )

  notifications
    .command('schema')
    .description('the JSON Schema of the settings')
    .action(
      run(async ({ client, output }) => {
        const { schema } = await client.notifications.schema({})
        output.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )
}

function channelsText({ email, webhook }: { readonly email?: { readonly to: readonly string[] } | undefined; readonly webhook?: { readonly url: string } | undefined }): string {
  return [...(email === undefined ? [] : [`e-mail to ${email.to.join(', ')}`]), ...(webhook === undefined ? [] : [`webhook ${webhook.url}`]), 'desktop'].join(', ')
}

async function withSecrets(document: unknown, folder: string): Promise<unknown> {
  if (typeof document !== 'object' || document === null) return document
  const settings = { ...(document as Record<string, unknown>) }
  for (const [section, field] of [['email', 'password'], ['webhook', 'secret']] as const) {
    const part = settings[section]
    if (typeof part !== 'object' || part === null || !(field in part)) continue
    settings[section] = { ...part, [field]: await secretValue((part as Record<string, unknown>)[field], folder) }
  }
  return settings
}
