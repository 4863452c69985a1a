/**
 * Streaming BER reader (X.690): walks the spine of a message, captures small parts whole, and lets the content flow by.
 * Containers are entered and left explicitly; every declared length must fit into the container around it.
 */
import { MAX_HEADER_BYTES, readHeader, type BerHeader } from '../asn1/ber-header.ts'
import { oidOf, readBer, smallIntegerOf, type BerNode } from '../asn1/ber-node.ts'
import { TAG } from '../asn1/der-writer.ts'
import { ByteReader, type ByteSource } from './byte-source.ts'
import { createGatherer } from './chunking.ts'
import { CmsError, malformed } from './errors.ts'
import type { CmsLimits } from './limits.ts'

export class BerStream {
  private readonly reader: ByteReader
  private readonly limits: CmsLimits
  /** Ends of the open containers as stream offsets; -1 for the indefinite form. */
  private readonly frames: number[] = []
  /** The innermost definite end for each frame, so that indefinite containers are bounded too. */
  private readonly bounds: number[] = []

  constructor(source: ByteSource, limits: CmsLimits) {
    this.reader = new ByteReader(source)
    this.limits = limits
  }

  get offset(): number {
    return this.reader.offset
  }

  async close(): Promise<void> {
    await this.reader.close()
  }

  /** Enters a constructed element that must have this tag. */
  async enter(tag: number, what: string): Promise<void> {
    const header = await this.header(what)
    if (header.tag !== tag) throw malformed(`${what} is missing or of another ASN.1 type`)
    this.push(header, what)
  }

  /** The identifier octet of the next element, or undefined at the end of the container. */
  async peekTag(): Promise<number | undefined> {
    if (await this.atEnd()) return undefined
    return this.reader.buffer[this.reader.position]
  }

  /** Leaves the innermost container, which must be at its end. */
  async leave(what: string): Promise<void> {
    if (!(await this.atEnd())) throw malformed(`${what} has unexpected elements at its end`)
    if (this.frames.pop() === -1) this.reader.take(2)
    this.bounds.pop()
  }

  /** Reads one small element whole. */
  async capture(tag: number, what: string): Promise<BerNode> {
    const reader = this.reader
    const max = this.limits.maxMetadataBytes
    let scanned = 0
    let open = 0 // indefinite elements walked into; definite ones are skipped whole
    let nodes = 0
    do {
      if (++nodes > this.limits.maxNodes) throw malformed('too many ASN.1 elements')
      const header = await this.headerAt(scanned, what)
      if (scanned === 0 && header.tag !== tag) throw malformed(`${what} is missing or of another ASN.1 type`)
      if (open > 0 && header.tag === 0 && header.length === 0 && header.size === 2) {
        open--
        scanned += 2
        continue
      }
      scanned += header.size
      if (header.length === -1) {
        open++
        if (this.frames.length + open > this.limits.maxDepth) throw malformed('ASN.1 elements are nested too deep')
      } else {
        scanned += header.length
      }
      if (scanned > max) throw new CmsError('cms.limit', `${what} is larger than the limit of ${max} bytes`)
      this.checkBound(reader.offset + scanned, what)
    } while (open > 0)
    if (!(await reader.ensure(scanned))) throw truncated(what)
    // a copy: it is looked at when what it lies in may have been lent no longer
    return readBer(Uint8Array.from(reader.take(scanned)), { maxDepth: this.limits.maxDepth, maxNodes: this.limits.maxNodes })
  }

  async oid(what: string): Promise<string> {
    return oidOf(await this.capture(TAG.oid, what), what)
  }

  async version(what: string): Promise<number> {
    return smallIntegerOf(await this.capture(TAG.integer, what), what)
  }

  /** An optional small element: undefined when the next one has another tag. */
  async captureOptional(tag: number, what: string): Promise<BerNode | undefined> {
    return (await this.peekTag()) === tag ? await this.capture(tag, what) : undefined
  }

  /**
   * The octets of an OCTET STRING under `tag` (primitive form; the constructed form has bit 0x20 set), in chunks. The
   * constructed form may be nested within the depth limit and may mix definite and indefinite parts. `lend`: a chunk holds until the
   * next one is asked for, which it does anyway where it is a part of a chunk of the source's that does no longer.
   */
  async *octets(tag: number, what: string, lend: boolean): AsyncGenerator<Uint8Array, void> {
    const reader = this.reader
    const header = await this.header(what)
    if ((header.tag & ~0x20) !== tag) throw malformed(`${what} is missing or of another ASN.1 type`)
    if ((header.tag & 0x20) === 0) {
      yield* this.primitive(header, what)
      return
    }
    const outer = this.frames.length
    this.push(header, what)
    const gathered = createGatherer(lend)
    while (this.frames.length > outer) {
      // the synchronous way first: awaiting twice for each tiny segment would cost more than decrypting it
      if (this.atEndNow() ?? (await this.atEnd())) {
        await this.leave(what)
        continue
      }
      const segment = this.headerNow(what) ?? (await this.header(what))
      if ((segment.tag & ~0x20) !== TAG.octetString) throw malformed(`${what} holds something other than octet strings`)
      if ((segment.tag & 0x20) !== 0) {
        this.push(segment, what)
        continue
      }
      let remaining = segment.length
      this.checkBound(reader.offset + remaining, what)
      while (remaining > 0) {
        if (reader.available === 0 && !(await reader.fill())) throw truncated(what)
        const slice = reader.take(Math.min(remaining, reader.available))
        remaining -= slice.length
        const large = gathered.isLarge(slice)
        if (gathered.filled && (large || gathered.isFull(slice))) yield gathered.take()
        if (large) yield slice
        else gathered.add(slice)
      }
    }
    if (gathered.filled) yield gathered.take()
  }

  /** Counts and refuses what follows the message. */
  async trailing(): Promise<number> {
    const max = this.limits.maxTrailingBytes
    if (await this.reader.ensure(max + 1)) throw malformed('too many bytes follow the message')
    return this.reader.available
  }

  private async *primitive(header: BerHeader, what: string): AsyncGenerator<Uint8Array, void> {
    this.checkBound(this.reader.offset + header.length, what)
    let remaining = header.length
    while (remaining > 0) {
      if (this.reader.available === 0 && !(await this.reader.fill())) throw truncated(what)
      const slice = this.reader.take(Math.min(remaining, this.reader.available))
      remaining -= slice.length
      yield slice
    }
  }

  private push(header: BerHeader, what: string): void {
    if ((header.tag & 0x20) === 0) throw malformed(`${what} is not constructed`)
    if (this.frames.length >= this.limits.maxDepth) throw malformed('ASN.1 elements are nested too deep')
    const bound = this.bounds.at(-1) ?? Number.POSITIVE_INFINITY
    if (header.length === -1) {
      this.frames.push(-1)
      this.bounds.push(bound)
      return
    }
    const end = this.reader.offset + header.length
    this.checkBound(end, what)
    this.frames.push(end)
    this.bounds.push(end)
  }

  private checkBound(end: number, what: string): void {
    if (end > (this.bounds.at(-1) ?? Number.POSITIVE_INFINITY)) throw malformed(`${what} is longer than what contains it`)
  }

  /** Whether the innermost container is at its end; undefined when more input is needed to tell. */
  private atEndNow(): boolean | undefined {
    const end = this.frames.at(-1)
    const reader = this.reader
    if (end === undefined) return false
    if (end >= 0) {
      if (reader.offset > end) throw malformed('an ASN.1 element is longer than what contains it')
      if (reader.offset === end) return true
      return reader.available === 0 ? undefined : false
    }
    this.checkBound(reader.offset + 2, 'the end of an element')
    if (reader.available < 2) return undefined
    return reader.buffer[reader.position] === 0 && reader.buffer[reader.position + 1] === 0
  }

  private async atEnd(): Promise<boolean> {
    for (;;) {
      const known = this.atEndNow()
      if (known !== undefined) return known
      if (!(await this.reader.fill())) throw truncated('the message')
    }
  }

  /** Reads and consumes a header that has arrived completely. */
  private headerNow(what: string): BerHeader | undefined {
    const header = readHeader(this.reader.buffer, this.reader.position, this.reader.limit)
    if (header === undefined) return undefined
    this.reader.take(header.size)
    this.checkBound(this.reader.offset, what)
    return header
  }

  /** Reads and consumes a header. */
  private async header(what: string): Promise<BerHeader> {
    const header = await this.headerAt(0, what)
    this.reader.take(header.size)
    this.checkBound(this.reader.offset, what)
    return header
  }

  /** The header `ahead` bytes beyond the next unread one, without consuming anything. */
  private async headerAt(ahead: number, what: string): Promise<BerHeader> {
    const reader = this.reader
    for (let need = 2; need <= MAX_HEADER_BYTES; need++) {
      const complete = await reader.ensure(ahead + need)
      const header = readHeader(reader.buffer, reader.position + ahead, reader.limit)
      if (header !== undefined) return header
      if (!complete) throw truncated(what)
    }
    throw malformed(`${what} has an impossible header`)
  }
}

function truncated(what: string): CmsError {
  return malformed(`the input ends inside ${what}`)
}
