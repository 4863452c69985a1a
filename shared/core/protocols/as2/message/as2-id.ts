/** AS2-From and AS2-To (RFC 4130 6.2): 1 to 128 printable ASCII characters, case-sensitive, quoted when they must be. */
import { MessageError } from './errors.ts'

const ATOMIC = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/
const PRINTABLE = /^[\x20-\x7e]{1,128}$/

/** The header form of an identifier. Throws `message.as2_id_invalid`. */
export function writeAs2Id(id: string): string {
  if (!PRINTABLE.test(id)) throw new MessageError('message.as2_id_invalid', 'an AS2 identifier has 1 to 128 printable ASCII characters')
  return ATOMIC.test(id) ? id : `"${id.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A received identifier. */
export interface ReceivedAs2Id {
  /** Unquoted and unescaped: compare it exactly. */
  readonly id: string
  /** The header as it was. */
  readonly raw: string
  /** An unquoted value with blanks inside: old products write such, the whole value counts. */
  readonly unquotedBlanks: boolean
}

/** Reads an identifier; undefined when it is empty, too long or not printable ASCII. */
export function readAs2Id(raw: string): ReceivedAs2Id | undefined {
  const value = raw.trim()
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1]
  const id = quoted === undefined ? value : quoted.replaceAll(/\\(.)/g, '$1')
  if (!PRINTABLE.test(id)) return undefined
  return { id, raw, unquotedBlanks: quoted === undefined && /[ \t]/.test(value) }
}

/**
 * Whether a received identifier is the agreed one: exactly, capitals included. pyas2lib answers a quoted identifier with a receipt that
 * quotes it once more, quotes and all.
 */
export function isAs2Id(received: string, agreed: string): boolean {
  return received === agreed || (received !== '' && readAs2Id(received)?.id === agreed)
}
