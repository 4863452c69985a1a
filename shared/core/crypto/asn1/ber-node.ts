/**
 * In-memory reader for small BER or DER structures (X.690). Lazy: an element's children are only looked at when asked
 * for, so a strange value in a part that nobody reads does no harm. Depth and number of elements are bounded.
 */
import { malformed } from '../cms/errors.ts'
import { concatBytes } from './bytes.ts'
import { readHeader } from './ber-header.ts'
import { TAG, derElement, derOid } from './der-writer.ts'
import { OID } from './oids.ts'

/** The ones that we know, by their octets: each message has dozens of them. */
const KNOWN_OIDS: ReadonlyMap<string, string> = new Map(Object.values(OID).map((dotted) => [latin1(derOid(dotted).subarray(2)), dotted]))

/** What one parse may still spend; shared by all elements of it. */
export interface BerBudget {
  nodes: number
  readonly maxDepth: number
}

/** One element inside `bytes`. Offsets are into `bytes`. */
export interface BerNode {
  readonly bytes: Uint8Array
  /** First identifier octet. */
  readonly tag: number
  readonly start: number
  readonly contentStart: number
  readonly contentEnd: number
  /** After the element, end-of-contents octets included. */
  readonly end: number
  readonly depth: number
  readonly budget: BerBudget
}

/** The element at `offset`; what follows it is not looked at (see `end`). */
export function readBer(bytes: Uint8Array, bounds: { readonly maxDepth?: number; readonly maxNodes?: number } = {}, offset = 0): BerNode {
  const budget: BerBudget = { nodes: bounds.maxNodes ?? 100_000, maxDepth: bounds.maxDepth ?? 32 }
  return readAt(bytes, offset, bytes.length, 1, budget)
}

function readAt(bytes: Uint8Array, offset: number, limit: number, depth: number, budget: BerBudget): BerNode {
  if (depth > budget.maxDepth) throw malformed('ASN.1 elements are nested too deep')
  if (--budget.nodes < 0) throw malformed('too many ASN.1 elements')
  const header = readHeader(bytes, offset, limit)
  if (header === undefined) throw malformed('an ASN.1 element is truncated')
  const contentStart = offset + header.size
  if (header.length >= 0) {
    const end = contentStart + header.length
    if (end > limit) throw malformed('an ASN.1 element is longer than what contains it')
    return { bytes, tag: header.tag, start: offset, contentStart, contentEnd: end, end, depth, budget }
  }
  let at = contentStart
  while (!isEndOfContents(bytes, at, limit)) at = readAt(bytes, at, limit, depth + 1, budget).end
  return { bytes, tag: header.tag, start: offset, contentStart, contentEnd: at, end: at + 2, depth, budget }
}

function isEndOfContents(bytes: Uint8Array, at: number, limit: number): boolean {
  if (at + 2 > limit) throw malformed('an ASN.1 element of indefinite length has no end')
  return bytes[at] === 0 && bytes[at + 1] === 0
}

/** The elements inside a constructed element. */
export function childrenOf(node: BerNode): BerNode[] {
  if ((node.tag & 0x20) === 0) throw malformed('a constructed ASN.1 element was expected')
  const children: BerNode[] = []
  for (let at = node.contentStart; at < node.contentEnd; ) {
    const child = readAt(node.bytes, at, node.contentEnd, node.depth + 1, node.budget)
    children.push(child)
    at = child.end
  }
  return children
}

/** Children of an element that must have this tag. */
export function childrenOfTag(node: BerNode | undefined, tag: number, what: string): BerNode[] {
  return childrenOf(expectTag(node, tag, what))
}

/** The node itself when it has this tag. */
export function expectTag(node: BerNode | undefined, tag: number, what: string): BerNode {
  if (node === undefined || node.tag !== tag) throw malformed(`${what} is missing or of another ASN.1 type`)
  return node
}

/** The whole element as received. */
export function rawOf(node: BerNode): Uint8Array {
  return node.bytes.subarray(node.start, node.end)
}

/** The content octets as received. */
export function contentOf(node: BerNode): Uint8Array {
  return node.bytes.subarray(node.contentStart, node.contentEnd)
}

/** The octets of an OCTET STRING, primitive or constructed, under its own or an implicit tag. */
export function octetsOf(node: BerNode): Uint8Array {
  if ((node.tag & 0x20) === 0) return contentOf(node)
  const parts: Uint8Array[] = []
  for (const child of childrenOf(node)) {
    if ((child.tag & ~0x20) !== TAG.octetString) throw malformed('a constructed OCTET STRING holds something else')
    parts.push(octetsOf(child))
  }
  return concatBytes(parts)
}

/** Dotted form of an OBJECT IDENTIFIER; at most 64 octets. */
export function oidOf(node: BerNode | undefined, what = 'an object identifier'): string {
  return oidText(contentOf(expectTag(node, TAG.oid, what)))
}

/** Dotted form of the content octets of an OBJECT IDENTIFIER. */
export function oidText(octets: Uint8Array): string {
  if (octets.length === 0 || octets.length > 64) throw malformed('an object identifier has an impossible size')
  return KNOWN_OIDS.get(latin1(octets)) ?? dottedOf(octets)
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets)
}

function dottedOf(octets: Uint8Array): string {
  const arcs: bigint[] = []
  let arc = 0n
  let open = false
  for (const octet of octets) {
    if (!open && octet === 0x80) throw malformed('an object identifier has a padded arc')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    open = (octet & 0x80) !== 0
    if (!open) {
      arcs.push(arc)
      arc = 0n
    }
  }
  if (open) throw malformed('an object identifier is truncated')
  const [head = 0n, ...rest] = arcs
  const first = head < 40n ? 0n : head < 80n ? 1n : 2n
  return [first, head - first * 40n, ...rest].join('.')
}

/** A small non-negative INTEGER such as a version. */
export function smallIntegerOf(node: BerNode | undefined, what: string): number {
  const octets = contentOf(expectTag(node, TAG.integer, what))
  if (octets.length === 0 || octets.length > 4 || (octets[0] ?? 0) >= 0x80) throw malformed(`${what} is not a small number`)
  let value = 0
  for (const octet of octets) value = value * 256 + octet
  return value
}

/** Content octets of an INTEGER exactly as received; at most `maxBytes`. */
export function integerBytesOf(node: BerNode | undefined, what: string, maxBytes = 4096): Uint8Array {
  const octets = contentOf(expectTag(node, TAG.integer, what))
  if (octets.length > maxBytes) throw malformed(`${what} is too large`)
  return octets
}

/** Re-encodes with definite, shortest lengths and primitive OCTET STRINGs; the order of SET members is kept. */
export function withDefiniteLengths(node: BerNode): Uint8Array {
  if (node.tag === (TAG.octetString | 0x20)) return derElement(TAG.octetString, octetsOf(node))
  if ((node.tag & 0x1f) === 0x1f) return rawOf(node)
  if ((node.tag & 0x20) === 0) return derElement(node.tag, contentOf(node))
  return derElement(node.tag, ...childrenOf(node).map(withDefiniteLengths))
}

/** UTCTime or GeneralizedTime; undefined when unreadable. Two-digit years pivot at 50 (RFC 5280 4.1.2.5.1). */
export function timeOf(node: BerNode | undefined): Date | undefined {
  if (node === undefined || (node.tag !== TAG.utcTime && node.tag !== TAG.generalizedTime)) return undefined
  const text = Buffer.from(contentOf(node)).toString('latin1')
  const pattern = node.tag === TAG.utcTime
    ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?()(Z|[+-]\d{4})?$/
    : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,](\d{1,9}))?(Z|[+-]\d{4})?$/
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, yearText = '', month = '', day = '', hour = '', minute = '0', second = '0', fraction = '', zone = 'Z'] = match
  const short = Number(yearText)
  const year = node.tag === TAG.utcTime ? (short < 50 ? 2000 + short : 1900 + short) : short
  const milliseconds = fraction === '' ? 0 : Math.floor(Number(`0.${fraction}`) * 1000)
  let time = Date.UTC(year, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), milliseconds)
  if (year < 100) time = Number.NaN
  if (zone !== 'Z') {
    const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5))) * 60_000
    time += zone.startsWith('+') ? -offset : offset
  }
  return Number.isNaN(time) ? undefined : new Date(time)
}
