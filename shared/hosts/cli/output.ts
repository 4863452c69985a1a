/** What the command line prints. Results go to standard output, everything else to standard error. */
import { textOf, type WireError } from '../../contract/errors/index.ts'

export interface Output {
  readonly json: boolean
  /** The result: one JSON document with `--json`, else the text. Call it once. */
  result(document: unknown, text: () => string): void
  /** Progress and hints for a person. */
  note(text: string): void
  failure(error: WireError): void
}

export function createOutput(json: boolean, streams: { readonly out: NodeJS.WriteStream; readonly err: NodeJS.WriteStream }): Output {
  const { out, err } = streams
  return {
    json,
    result(document, text) {
      const body = json ? JSON.stringify(document, null, 2) : text()
      if (body !== '') out.write(`${body}\n`)
    },
    note(text) {
      err.write(`${text}\n`)
    },
    failure(error) {
      const spec = textOf(error)
      if (json) out.write(`${JSON.stringify({ error: { ...error, title: spec.title, happened: spec.happened, todo: spec.todo, exit: spec.exit } }, null, 2)}\n`)
      err.write(`${failureText(error)}\n`)
    },
  }
}

/** What happened, why we think so, what to do. */
export function failureText(error: WireError): string {
  const spec = textOf(error)
  const details = Object.entries(error.details ?? {}).map(([name, value]) => `    ${name}: ${value}`)
  return [
    `${spec.title} (${error.code})`,
    `  What happened: ${spec.happened}`,
    `  Why we think so: ${error.message}`,
    ...details,
    '  What to do:',
    ...spec.todo.map((step, index) => `    ${index + 1}. ${step}`),
  ].join('\n')
}

/** Left-aligned columns, two blanks between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()).join('\n')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? 'B'}`
}
