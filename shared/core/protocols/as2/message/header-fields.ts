/** Header fields as ordered pairs, and the tolerant, bounded reader of a header block. */
import { MessageError } from './errors.ts'

/** Name as spelled, value unfolded and trimmed. */
export type HeaderPair = readonly [name: string, value: string]

export interface HeaderLimits {
  /** Bytes of the whole block, line ends included. */
  readonly maxBytes: number
  readonly maxFields: number
}

export const HEADER_LIMITS: HeaderLimits = { maxBytes: 64 * 1024, maxFields: 200 }

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** The first value of a field, its name in any case; undefined when it is absent. */
export function headerValue(headers: readonly HeaderPair[], name: string): string | undefined {
  const wanted = name.toLowerCase()
  return headers.find(([one]) => one.toLowerCase() === wanted)?.[1]
}

/** All values of a field in their order. */
export function headerValues(headers: readonly HeaderPair[], name: string): string[] {
  const wanted = name.toLowerCase()
  return headers.filter(([one]) => one.toLowerCase() === wanted).map(([, value]) => value)
}

/** An outgoing field: one line of printable ASCII. Throws `message.header_unsafe` for anything that could start another line. */
export function safeHeader(name: string, value: string): HeaderPair {
  if (!TOKEN.test(name)) throw new MessageError('message.header_unsafe', `${JSON.stringify(name)} is not a header name`)
  if (!/^[\x20-\x7e]*$/.test(value)) throw new MessageError('message.header_unsafe', `the value of ${name} must be one line of printable ASCII`)
  if (name.length + value.length + 4 > HEADER_LIMITS.maxBytes) throw new MessageError('message.header_unsafe', `the value of ${name} is too long`)
  return [name, value]
}

/** Unfolded lines, each ending in CRLF, and the empty line. Every value is guarded. */
export function headerBlock(headers: readonly HeaderPair[]): Uint8Array {
  const lines = headers.map(([name, value]) => safeHeader(name, value)).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1')
}

/** What a header block held. */
export interface ParsedHeaders {
  readonly fields: readonly HeaderPair[]
  /** Lines that are no field: ignored, as many products write some. */
  readonly ignoredLines: number
  readonly folded: boolean
}

/**
 * Reads the lines of a header block (without the empty line that ends it): CRLF or LF, folded or not, blanks before the
 * colon. Bytes are taken as Latin-1 and re-read as UTF-8 where they are that. Throws `message.limit`.
 */
export function parseHeaderBlock(bytes: Uint8Array, limits: HeaderLimits = HEADER_LIMITS): ParsedHeaders {
  if (bytes.length > limits.maxBytes) throw new MessageError('message.limit', `a header block is larger than ${limits.maxBytes} bytes`)
  const fields: [string, string][] = []
  let ignoredLines = 0
  let folded = false
  for (const line of textOf(bytes).split(/\r?\n/)) {
    const last = fields.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined && line.trim() !== '') {
      last[1] = `${last[1]} ${line.replaceAll('\r', ' ').trim()}`.trim()
      folded = true
      continue
    }
    const field = /^([^\s:]+)[ \t]*:(.*)$/s.exec(line)
    const name = field?.[1]
    if (name === undefined || !TOKEN.test(name)) {
      if (line.trim() !== '') ignoredLines++
      continue
    }
    if (fields.length === limits.maxFields) throw new MessageError('message.limit', `a header block has more than ${limits.maxFields} fields`)
    fields.push([name, (field?.[2] ?? '').replaceAll('\r', ' ').trim()])
  }
  return { fields, ignoredLines, folded }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** UTF-8 when it is valid, else Latin-1: header text of old products is either. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  }
}
