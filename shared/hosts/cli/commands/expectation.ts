import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { CaseState, ExpectationCase, ExpectationDetail } from '../../../contract/expectations.ts'
import { verifyStatement } from '../../../core/expectations/statement.ts'
import { finish, type GlobalOptions } from '../command.ts'
import { readDocument, readTextFile } from '../document-file.ts'
import { table } from '../output.ts'
import { writeWhole } from '../output-file.ts'
import { limitOption, splitList, timeOption, type Register } from '../register.ts'

export function expectationCommands(program: Command, run: Register, optionsOf: () => GlobalOptions): void {
  const expectation = program.command('expectation').description('files that should arrive or leave by a time')

  expectation
    .command('apply <file>')
    .description('create or change an expectation from a JSON document (- reads standard input)')
    .action(
      run(async ({ client, output }, file: string) => {
        const result = await client.expectations.apply({ document: await readDocument(file) })
        output.result(result, () => `${result.expectation.summary.id} ${result.created ? 'created' : result.changed ? 'changed' : 'unchanged'}: ${result.expectation.summary.when}`)
      }),
    )

  expectation
    .command('list')
    .description('all expectations and how they stand')
    .option(...limitOption)
    .option('--partner <id>', 'of one partner')
    .option('--flow <id>', 'of one flow')
    .action(
      run(async ({ client, output }, options: { limit: number; partner?: string; flow?: string }) => {
        const result = await client.expectations.list(options)
        output.result(result, () =>
          result.expectations.length === 0
            ? 'Nothing is expected yet. Create one with `waybill expectation apply FILE`.'
            : table([['ID', 'PARTNER', 'BY', 'DUE', 'STATE'], ...result.expectations.map((row) => [row.id, row.document.partner, row.when, row.current?.due ?? '', row.document.enabled ? (row.current === null ? '' : `${row.current.state}: ${row.current.reason}`) : 'not watched'])]),
        )
        return result.attention > 0 ? 3 : 0
      }),
    )

  expectation
    .command('show <name>')
    .description('one expectation with its next times and what became of the last ones')
    .action(
      run(async ({ client, output }, id: string) => {
        const result = await client.expectations.show({ id })
        output.result(result, () => detailText(result))
      }),
    )

  expectation
    .command('cases [name]')
    .description('due times and whether they were met, newest first')
    .option(...limitOption)
    .option('--since <time>', 'due at or after', timeOption)
    .option('--state <state...>', 'waiting, met, late, missing, wrong', splitList)
    .action(
      run(async ({ client, output }, id: string | undefined, options: { limit: number; since?: string; state?: CaseState[] }) => {
        const { cases } = await client.expectations.cases({ ...options, ...(id === undefined ? {} : { expectation: id }) })
        output.result({ cases }, () => casesTable(cases))
      }),
    )

  expectation
    .command('statement <name> <due>')
    .description('a signed statement that nothing came or left, as a file to hand on')
    .requiredOption('--out <file>', 'where to write it')
    .action(
      run(async ({ client, output }, id: string, due: string, { out }: { out: string }) => {
        const { text } = await client.expectations.statement({ id, due: timeOption(due) })
        const file = resolve(out)
        await writeWhole(file, text)
        const verdict = verifyStatement(text)
        output.result({ file, ...verdict }, () => `${verdict.text}\nSigned in ${file}; key ${verdict.key}`)
      }),
    )

  expectation
    .command('verify <file>')
    .description('check such a statement; needs no workspace')
    .action(async (file: string) => {
      await finish(optionsOf(), async (output) => {
        const verdict = verifyStatement(await readTextFile(resolve(file)))
        output.result(verdict, () => `${verdict.ok ? 'The statement holds.' : `The statement does not hold: ${verdict.problems.join('; ')}.`}\n${verdict.text}\nSigned ${verdict.signedAt} by workspace ${verdict.workspace}, key ${verdict.key}`)
        return verdict.ok ? 0 : 4
      })
    })

  expectation
    .command('remove <name>')
    .description('expect it no longer; what became of past times stays')
    .action(
      run(async ({ client, output }, id: string) => {
        await client.expectations.remove({ id })
        output.result({ id, removed: true }, () => `${id} was removed`)
      }),
    )

  expectation
    .command('schema')
    .description('the JSON Schema of the document')
    .action(
      run(async ({ client, output }) => {
        const { schema } = await client.expectations.schema({})
        output.result(schema, () => JSON.stringify(schema, null, 2))
      }),
    )
}

function casesTable(cases: readonly ExpectationCase[]): string {
  return cases.length === 0
    ? 'No due times.'
    : table([['EXPECTATION', 'DUE', 'STATE', 'WHY', 'FILES', 'LOOKS'], ...cases.map((row) => [row.expectation, row.due, row.state, row.reason, String(row.files.length), row.looks === null ? '' : `${row.looks.total}${row.looks.failed > 0 ? ` (${row.looks.failed} failed)` : ''}`])])
}

function detailText({ summary, next, cases }: ExpectationDetail): string {
  return [JSON.stringify(summary.document, null, 2), '', summary.when, ...(next.length === 0 ? [] : ['Next:', ...next.map((at) => `  ${at}`)]), '', casesTable(cases)].join('\n')
}
