/** Content-Type and Content-Disposition values with their parameters: RFC 2045, RFC 2231, and what products write instead. */
import { decodeCharset } from './encoded-words.ts'

export interface ParameterizedValue {
  /** `multipart/signed`, `attachment`: lower case; empty when there is none. */
  readonly value: string
  /** By lower-case name, RFC 2231 pieces joined and decoded; the first of a repeated name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const MAX_PARAMETERS = 100

/** Reads any case, tabs, no blanks, quoted or bare values with blanks, doubled quotes, stray `;` and `:`. Never throws. */
export function readMediaType(header: string | undefined): ParameterizedValue {
  const text = header ?? ''
  const end = text.search(/[;]/)
  const value = (end < 0 ? text : text.slice(0, end)).trim().toLowerCase()
  return { value: value.replace(/[\s:].*$/s, ''), parameters: joinPieces(end < 0 ? [] : splitParameters(text.slice(end))) }
}

type RawParameter = readonly [name: string, value: string]

function splitParameters(text: string): RawParameter[] {
  const found: RawParameter[] = []
  let at = 0
  while (at < text.length && found.length < MAX_PARAMETERS) {
    while (at < text.length && /[;\s:]/.test(text[at] ?? '')) at++
    const stop = nextOf(text, at, '=;')
    const name = text.slice(at, stop).trim().toLowerCase()
    at = stop
    if (text[at] !== '=') continue
    at++
    while (text[at] === ' ' || text[at] === '\t') at++
    const { value, next } = text[at] === '"' ? quotedValue(text, at) : bareValue(text, at)
    at = next
    if (name !== '') found.push([name, value])
  }
  return found
}

function nextOf(text: string, from: number, stops: string): number {
  let at = from
  while (at < text.length && !stops.includes(text[at] ?? '')) at++
  return at
}

function bareValue(text: string, from: number): { value: string; next: number } {
  const next = nextOf(text, from, ';')
  return { value: text.slice(from, next).trim(), next }
}

/** `"…"` with `\"` and `\\`; `""…""` of products that quote twice. Other backslashes stay: they come from Windows paths. */
function quotedValue(text: string, from: number): { value: string; next: number } {
  const doubled = /^""([^"]+)""/.exec(text.slice(from, from + 1024))
  if (doubled !== null) return { value: doubled[1] ?? '', next: nextOf(text, from + doubled[0].length, ';') }
  let value = ''
  let at = from + 1
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')) at++
    value += text[at] ?? ''
    at++
  }
  return { value, next: nextOf(text, at + 1, ';') }
}

/** `name*0*=UTF-8''a%20; name*1=b` (RFC 2231 3, 4). */
function joinPieces(raw: readonly RawParameter[]): Map<string, string> {
  const joined = new Map<string, string>()
  const pieces = new Map<string, { readonly index: number; readonly encoded: boolean; readonly value: string }[]>()
  for (const [name, value] of raw) {
    const piece = /^([^*]+)\*(?:(\d{1,3})(\*)?)?$/.exec(name)
    if (piece === null) {
      if (!joined.has(name)) joined.set(name, value)
      continue
    }
    const base = piece[1] ?? ''
    const list = pieces.get(base) ?? []
    list.push({ index: Number(piece[2] ?? 0), encoded: piece[2] === undefined || piece[3] === '*', value })
    pieces.set(base, list)
  }
  for (const [name, list] of pieces) joined.set(name, decodePieces(list.sort((a, b) => a.index - b.index)))
  return joined
}

function decodePieces(pieces: readonly { readonly encoded: boolean; readonly value: string }[]): string {
  const [first] = pieces
  const declared = first?.encoded === true ? /^([^']*)'[^']*'(.*)$/s.exec(first.value) : null
  const bytes = pieces.map(({ encoded, value }, index) => {
    const text = index === 0 && declared !== null ? (declared[2] ?? '') : value
    return encoded ? percentBytes(text) : Buffer.from(text, 'utf8')
  })
  const whole = Buffer.concat(bytes)
  return decodeCharset(whole, declared?.[1] ?? 'utf-8') ?? whole.toString('latin1')
}

function percentBytes(text: string): Uint8Array {
  const parts = text.split(/%([0-9A-Fa-f]{2})/)
  return Buffer.concat(parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part, 'hex') : Buffer.from(part, 'utf8'))))
}
