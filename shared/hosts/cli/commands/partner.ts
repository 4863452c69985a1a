import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readDocument, resolveSecrets } from '../document-file.ts'
import { writeWhole } from '../output-file.ts'
import { table } from '../output.ts'
import { limitOption, type Register } from '../register.ts'

export function partnerCommands(program: Command, run: Register): void {
  const partner = program.command('partner').description('partners and their connections')

  partner
    .command('apply <file>')
    .description('create or change a partner from a JSON document (- reads standard input)')
    .action(
      run(async ({ client, output }, file: string) => {
        const document = await resolveSecrets(await readDocument(file), file)
        const result = await client.partners.apply({ document })
        output.result(result, () => `${result.partner.document.id} ${result.created ? 'created' : result.changed ? 'changed' : 'unchanged'}`)
      }),
    )

  partner
    .command('list')
    .description('all partners')
    .option(...limitOption)
    .option('--search <text>', 'part of the name')
    .action(
      run(async ({ client, output }, options: { limit: number; search?: string }) => {
        const result = await client.partners.list(options)
        output.result(result, () =>
          result.partners.length === 0
            ? 'No partners yet. Create one with `waybill partner apply FILE`.'
            : table([
                ['ID', 'NAME', 'CONNECTIONS', 'STATE'],
                ...result.partners.map((row) => [
                  row.id,
                  row.name,
                  row.connections.map(({ id, protocol, address }) => `${id} (${protocol} ${address})`).join(', '),
                  row.suspended ? 'suspended' : row.connections.every(({ trusted }) => trusted) ? 'ready' : 'identity not confirmed',
                ]),
              ]),
        )
      }),
    )

  partner
    .command('show <id>')
    .description('one partner; secrets are not shown')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.partners.show({ id })
        output.result(result, () => JSON.stringify(result.document, null, 2))
      }),
    )

  partner
    .command('suspend <id>')
    .description('stop all exchange with a partner')
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, id: string, options: { reason?: string }) => {
        const result = await client.partners.suspend({ id, ...options })
        output.result(result, () => `${id} is suspended`)
      }),
    )

  partner
    .command('resume <id>')
    .description('take the exchange up again')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.partners.resume({ id })
        output.result(result, () => `${id} is active`)
      }),
    )

  partner
    .command('remove <id>')
    .description('remove a partner; its deliveries and audit records stay')
    .action(
      run(async ({ client, output }, id: string) => {
        await client.partners.remove({ id })
        output.result({ id, removed: true }, () => `${id} was removed`)
      }),
    )

  partner
    .command('card <id>')
    .description('our card for a partner: who we are, our public certificates and keys, and the words that both sides compare by phone')
    .requiredOption('--out <file>', 'write it there')
    .action(
      run(async ({ client, output }, id: string, options: { out: string }) => {
        const { text, words, card } = await client.cards.create({ partner: id })
        await writeWhole(resolve(options.out), text)
        output.result({ file: resolve(options.out), words, card }, () => `written to ${options.out}\nread back by phone: ${words.join(' ')}`)
      }),
    )

  partner
    .command('import-card <file>')
    .description('take a partner\'s card over; without --words or --accept it only shows what would change')
    .option('--partner <id>', 'the partner that it belongs to; left out: by its AS2 identifier, else a new one')
    .option('--words <words...>', 'the words that the partner read out')
    .option('--person <name>', 'who read them out')
    .option('--accept', 'take it over without having compared the words')
    .action(
      run(async ({ client, output }, file: string, options: { partner?: string; words?: string[]; person?: string; accept?: boolean }) => {
        const { words: told, person, accept, ...named } = options
        const words = told?.flatMap((text) => text.split(/[^A-Za-z]+/)).filter((word) => word !== '')
        const preview = await client.cards.read({ source: { path: resolve(file) }, ...named })
        const shown = [`Card of ${preview.card.name}`, ...preview.changes.map(({ what, before, after }) => `  ${what}: ${before === null ? '' : `${before} → `}${after}`), ...(preview.changes.length === 0 ? ['  no changes'] : []), `read back by phone: ${preview.words.join(' ')}`]
        if (words === undefined && accept !== true) {
          output.result({ ...preview, accepted: false }, () => [...shown, 'Nothing was taken over. Compare the words by phone, then give them with --words.'].join('\n'))
          return
        }
        const result = await client.cards.accept({ source: { path: resolve(file) }, ...named, ...(words === undefined ? {} : { words }), ...(person === undefined ? {} : { person }) })
        output.result({ ...preview, ...result, accepted: true }, () => [...shown, `${result.partner} ${result.created ? 'created' : 'changed'}, ${result.items.length} item(s) bound`].join('\n'))
      }),
    )

  partner
    .command('schema')
    .description('the JSON Schema of the partner document')
    .option('--of <document>', 'partner, station or policy', 'partner')
    .action(
      run(async ({ client, output }, options: { of: 'partner' | 'station' | 'policy' }) => {
        const { schema } = await client.partners.schema({ of: options.of })
        output.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )
}

export function stationCommands(program: Command, run: Register): void {
  const station = program.command('station').description('our own identity')

  station
    .command('apply <file>')
    .description('set our identity from a JSON document')
    .action(
      run(async ({ client, output }, file: string) => {
        const result = await client.station.apply({ document: await readDocument(file) })
        output.result(result, () => `${result.station.name} ${result.changed ? 'saved' : 'unchanged'}`)
      }),
    )

  station
    .command('show')
    .description('our identity')
    .action(
      run(async ({ client, output }) => {
        const result = await client.station.show({})
        output.result(result, () => (result.station === null ? 'No station yet. Set it with `waybill station apply FILE`.' : JSON.stringify(result.station, null, 2)))
      }),
    )
}
