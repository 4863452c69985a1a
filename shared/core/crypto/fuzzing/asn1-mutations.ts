/** Damages ASN.1 by its structure: the lengths around a change are put right, so that it reaches the reader's depths. */
import { readHeader } from '../asn1/ber-header.ts'
import { derElement } from '../asn1/der-writer.ts'
import type { Mutation } from './mutations.ts'
import type { Random } from './random.ts'

/** A tree that can be changed and written again. */
interface Element {
  tag: number
  /** Content of a primitive element, or the raw content where it could not be read as elements. */
  content: Buffer
  children: Element[] | null
  indefinite: boolean
  /** Written instead of the true length. */
  declared?: number
}

const MAX_ELEMENTS = 5_000

const MAX_DEPTH = 40

/** Null where the bytes are not a series of elements. */
function read(bytes: Buffer, budget: { left: number }, depth = 0): Element[] | null {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const one = readOne(bytes, at, budget, depth)
    if (one === null) return null
    elements.push(one.element)
    at = one.end
  }
  return elements
}

function readOne(bytes: Buffer, at: number, budget: { left: number }, depth: number): { element: Element; end: number } | null {
  if (--budget.left < 0 || depth > MAX_DEPTH) return null
  const header = headerOf(bytes, at)
  if (header === undefined) return null
  const from = at + header.size
  const { tag } = header
  if (header.length < 0) return readIndefinite(bytes, from, tag, budget, depth)
  const content = bytes.subarray(from, from + header.length)
  if (content.length < header.length) return null
  // what an OCTET STRING holds is often ASN.1 again, as in PKCS#12 and extensions
  const holdsMore = (tag & 0x20) !== 0 || (tag === 0x04 && content[0] === 0x30)
  const children = holdsMore ? read(content, budget, depth + 1) : null
  return { element: { tag, content, children, indefinite: false }, end: from + header.length }
}

function headerOf(bytes: Buffer, at: number): ReturnType<typeof readHeader> {
  try {
    return readHeader(bytes, at, bytes.length)
  } catch {
    return undefined
  }
}

function readIndefinite(bytes: Buffer, from: number, tag: number, budget: { left: number }, depth: number): { element: Element; end: number } | null {
  const children: Element[] = []
  for (let at = from; at + 2 <= bytes.length; ) {
    if (bytes[at] === 0 && bytes[at + 1] === 0) return { element: { tag, content: Buffer.alloc(0), children, indefinite: true }, end: at + 2 }
    const one = readOne(bytes, at, budget, depth + 1)
    if (one === null) return null
    children.push(one.element)
    at = one.end
  }
  return null
}

function write({ tag, content, children, indefinite, declared }: Element): Uint8Array {
  const body = children === null ? content : Buffer.concat(children.map(write))
  if (indefinite) return Buffer.concat([Uint8Array.of(tag | 0x20, 0x80), body, Uint8Array.of(0, 0)])
  if (declared === undefined) return derElement(tag, body)
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(declared))
  return Buffer.concat([Uint8Array.of(tag, 0x88), length, body])
}

/** Every element with the list that holds it. */
function places(list: Element[], found: { list: Element[]; at: number }[] = []): { list: Element[]; at: number }[] {
  list.forEach((element, at) => {
    found.push({ list, at })
    if (element.children !== null) places(element.children, found)
  })
  return found
}

type Change = (list: Element[], at: number, random: Random, borrowed: () => Element | undefined) => void

const TAGS = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x24, 0x30, 0x31, 0x80, 0x81, 0xa0, 0xa1, 0xa2, 0x1f]
const LENGTHS = [0, 1, 0x7f, 0x80, 0xffff, 2 ** 31, 2 ** 32, 2 ** 47, 2 ** 52]

const CHANGES: readonly Change[] = [
  (list, at) => list.splice(at, 1),
  (list, at) => list.splice(at, 0, structuredClone(list[at] as Element)),
  (list, at, random) => list.splice(random.below(list.length), 0, ...list.splice(at, 1)),
  (list, at, random) => edit(list, at, (element) => (element.tag = random.pick(TAGS))),
  (list, at, random) => edit(list, at, (element) => (element.declared = random.pick(LENGTHS))),
  (list, at) => edit(list, at, (element) => (element.indefinite = !element.indefinite)),
  (list, at) => edit(list, at, (element) => empty(element)),
  (list, at, random) => edit(list, at, (element) => Object.assign(element, { children: null, content: random.bytes(random.below(40)) })),
  (list, at, random) => edit(list, at, (element) => element.content.length > 0 && (element.content = Buffer.from(element.content)).writeUInt8(random.below(256), random.below(element.content.length))),
  (list, at, random) => wrap(list, at, random.oneIn(10) ? 40 : 1 + random.below(4), random),
  (list, at, random) => repeat(list, at, random.oneIn(20) ? 2000 : 2 + random.below(120)),
  (list, at, _random, borrowed) => {
    const other = borrowed()
    if (other !== undefined) list[at] = other
  },
  (list, at, random) => edit(list, at, (element) => split(element, 1 + random.below(5))),
]

function edit(list: Element[], at: number, change: (element: Element) => unknown): void {
  const element = list[at]
  if (element !== undefined) change(element)
}

function empty(element: Element): void {
  element.content = Buffer.alloc(0)
  if (element.children !== null) element.children = []
}

function wrap(list: Element[], at: number, levels: number, random: Random): void {
  edit(list, at, (inner) => {
    let outer = inner
    for (let level = 0; level < levels; level++) outer = { tag: random.pick([0x30, 0x31, 0x24, 0xa0]), content: Buffer.alloc(0), children: [outer], indefinite: random.oneIn(2) }
    list[at] = outer
  })
}

function repeat(list: Element[], at: number, count: number): void {
  edit(list, at, (element) => {
    if (write(element).length * count < 1 << 20) list.splice(at, 1, ...Array.from({ length: count }, () => element))
  })
}

/** A string becomes a constructed one of several pieces. */
function split(element: Element, pieces: number): void {
  if (element.children !== null || (element.tag & 0x20) !== 0) return
  const size = Math.ceil(element.content.length / pieces)
  element.children = Array.from({ length: pieces }, (_, index) => ({ tag: 0x04, content: element.content.subarray(index * size, (index + 1) * size), children: null, indefinite: false }))
  element.tag |= 0x20
}

/** Falls back on leaving the input as it is when that is not ASN.1. */
export const asn1Mutations: readonly Mutation[] = CHANGES.map((change): Mutation => (input, random, others) => {
  const tree = read(input, { left: MAX_ELEMENTS })
  if (tree === null || tree.length === 0) return input
  const { list, at } = random.pick(places(tree))
  change(list, at, random, () => {
    const other = read(random.pick([input, ...others]), { left: MAX_ELEMENTS })
    if (other === null || other.length === 0) return undefined
    const place = random.pick(places(other))
    return place.list[place.at]
  })
  return Buffer.concat(tree.map(write))
})
