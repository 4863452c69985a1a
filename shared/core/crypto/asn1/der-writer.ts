/** Writes DER (X.690). Each function gives one complete element. */
import { compareDer } from './bytes.ts'
import { OID } from './oids.ts'

/** Identifier octets that this code writes and expects. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Identifier and length octets of an element whose content follows elsewhere. */
export function derHeader(tag: number, length: number): Uint8Array {
  const header = Buffer.allocUnsafe(1 + lengthBytes(length))
  writeHeader(header, tag, length)
  return header
}

/** An element from its content octets. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of content) length += part.length
  const element = Buffer.allocUnsafe(1 + lengthBytes(length) + length)
  let at = writeHeader(element, tag, length)
  for (const part of content) {
    element.set(part, at)
    at += part.length
  }
  return element
}

/** How many octets a length up to 2^48 takes in the shortest form. */
export function lengthBytes(length: number): number {
  let octets = 1
  if (length >= 0x80) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets++
  return octets
}

/** Answers where the content begins. */
function writeHeader(into: Buffer, tag: number, length: number): number {
  const octets = lengthBytes(length)
  into[0] = tag
  if (octets === 1) into[1] = length
  else {
    into[1] = 0x80 | (octets - 1)
    for (let at = octets, rest = length; at > 1; at--, rest = Math.floor(rest / 256)) into[at] = rest % 256
  }
  return 1 + octets
}

export function derSequence(...items: readonly Uint8Array[]): Uint8Array {
  return derElement(TAG.sequence, ...items)
}

/** SET OF in DER order. */
export function derSetOf(items: readonly Uint8Array[], tag: number = TAG.set): Uint8Array {
  return derElement(tag, ...[...items].sort(compareDer))
}

/** `[number]` constructed: EXPLICIT, or IMPLICIT over a constructed type when given its content. */
export function derTagged(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return derElement(0xa0 | number, ...content)
}

/** `[number] IMPLICIT` over a primitive type. */
export function derTaggedPrimitive(number: number, content: Uint8Array): Uint8Array {
  return derElement(0x80 | number, content)
}

/** INTEGER from a small non-negative number. */
export function derSmallInteger(value: number): Uint8Array {
  return derUnsigned(Uint8Array.from(bigEndian(value)))
}

/** INTEGER from unsigned big-endian octets. */
export function derUnsigned(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const trimmed = magnitude.subarray(start)
  if (trimmed.length === 0) return Uint8Array.of(TAG.integer, 1, 0)
  const pad = (trimmed[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []
  return derElement(TAG.integer, ...pad, trimmed)
}

/** INTEGER from its content octets exactly as found elsewhere (serial numbers are compared raw). */
export function derIntegerRaw(content: Uint8Array): Uint8Array {
  return derElement(TAG.integer, content)
}

export function derOctetString(content: Uint8Array): Uint8Array {
  return derElement(TAG.octetString, content)
}

/** BIT STRING; `unusedBits` of the last octet are padding. */
export function derBitString(content: Uint8Array, unusedBits = 0): Uint8Array {
  return derElement(TAG.bitString, Uint8Array.of(unusedBits), content)
}

export function derNull(): Uint8Array {
  return Uint8Array.of(TAG.null, 0)
}

export function derBoolean(value: boolean): Uint8Array {
  return Uint8Array.of(TAG.boolean, 1, value ? 0xff : 0)
}

/** OBJECT IDENTIFIER from its dotted form. Nobody writes into it: it is the same one each time. */
export function derOid(dotted: string): Uint8Array {
  return KNOWN_OIDS.get(dotted) ?? oidElement(dotted)
}

function oidElement(dotted: string): Uint8Array {
  const arcs = dotted.split('.').map(Number)
  const [first = 0, second = 0, ...rest] = arcs
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) octets.push(...base128(arc))
  return derElement(TAG.oid, Uint8Array.from(octets))
}

export function derText(tag: number, text: string): Uint8Array {
  return derElement(tag, Buffer.from(text, 'utf8'))
}

/** Time as RFC 5280 demands: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, UTC. */
export function derTime(time: Date): Uint8Array {
  const digits = time.toISOString().replace(/\.\d+Z$/, 'Z').replace(/[-:T]/g, '')
  const year = time.getUTCFullYear()
  return year >= 1950 && year < 2050
    ? derText(TAG.utcTime, digits.slice(2))
    : derText(TAG.generalizedTime, digits)
}

function bigEndian(value: number): number[] {
  const octets: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return octets
}

function base128(arc: number): number[] {
  const octets = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128))
  return octets
}

/** A message has dozens of them. */
const KNOWN_OIDS: ReadonlyMap<string, Uint8Array> = new Map(Object.values(OID).map((dotted) => [dotted, oidElement(dotted)]))
