/** Decrypts and verifies a stream. What it releases is provisional until the report is there. */
import { AppError } from '../../kernel/errors.ts'
import { ByteReader, type ByteSource } from '../cms/byte-source.ts'
import { openedFrom, type Opened } from '../cms/opened.ts'
import { copied } from '../../kernel/release.ts'
import { packetsOf } from './armor.ts'
import { compressionById, decompressed, type Compression } from './compression.ts'
import type { PgpKey } from './key-types.ts'
import { readSessionKey, readSignature, type SignaturePacket, type WrappedSessionKey } from './library.ts'
import { openData, type EncryptionReport } from './opening.ts'
import { malformed, PACKET, PacketReader, truncated, type Packet } from './packet-stream.ts'
import { DEFAULT_LIMITS, type PgpLimits } from './settings.ts'
import { createDigestBook, demandSignature, judge, saltOf, signatureWarnings, type SignatureReport, type VerifyOptions } from './verifying.ts'

export interface UnprotectOptions extends VerifyOptions {
  /** Our keys with their secret. */
  readonly decryptWith?: readonly PgpKey[]
  /** Default: whether verification keys are given. */
  readonly requireSignature?: boolean
  /** Default: whether decryption keys are given. */
  readonly requireEncryption?: boolean
  readonly limits?: Partial<PgpLimits>
  /** Each chunk of the content is lent until the next one is asked for, which is faster. */
  readonly lend?: boolean
}

export interface UnprotectReport {
  readonly armored: boolean
  /** Null: the message was not encrypted. */
  readonly encryption: EncryptionReport | null
  readonly compression: Compression
  /** Every signature of the message, also those that do not count. */
  readonly signatures: readonly SignatureReport[]
  /** The first that counts. */
  readonly signedBy: SignatureReport | null
  /** As the sender wrote it: never a path to be used as it is. */
  readonly fileName: string
  readonly format: 'binary' | 'text'
  readonly contentBytes: number
  readonly warnings: readonly string[]
}

const MAX_SMALL_PACKET = 64 * 1024
const MAX_TRAILING_BYTES = 8

/** What was found while reading; becomes the report. */
interface Findings {
  encryption: EncryptionReport | null
  compression: Compression
  fileName: string
  format: 'binary' | 'text'
  contentBytes: number
  signatures: SignatureReport[]
  warnings: string[]
}

interface Reading {
  readonly options: UnprotectOptions
  readonly limits: PgpLimits
  readonly findings: Findings
}

/**
 * `result` rejects, as `content` throws, with a `pgp.*` error or `key.passphrase_needed`. It resolves when the message was whole, its integrity
 * held, and a signature by a given key counted where one is required.
 */
export function unprotect(source: ByteSource, options: UnprotectOptions): Opened<UnprotectReport> {
  return openedFrom(run(source, options), () => new AppError('pgp.abandoned', 'the message was not read to its end'))
}

async function* run(source: ByteSource, options: UnprotectOptions): AsyncGenerator<Uint8Array, UnprotectReport> {
  const findings: Findings = { encryption: null, compression: 'none', fileName: '', format: 'binary', contentBytes: 0, signatures: [], warnings: [] }
  const { isArmored, packets, close } = await packetsOf(source, ['MESSAGE'])
  try {
    const content = outermost(new PacketReader(packets), { options, limits: { ...DEFAULT_LIMITS, ...options.limits }, findings })
    yield* options.lend === true ? content : copied(content)
  } finally {
    await close()
  }
  const { verifyWith = [], at = new Date(), requireSignature = verifyWith.length > 0 } = options
  demandSignature(findings.signatures, requireSignature)
  const warnings = [...findings.warnings, ...signatureWarnings(findings.signatures, verifyWith, at)]
  return { armored: isArmored, ...findings, warnings, signedBy: findings.signatures.find(({ status }) => status === 'valid') ?? null }
}

/** Session keys and encrypted data, or what a message that is only signed begins with. */
async function* outermost(reader: PacketReader, reading: Reading): AsyncGenerator<Uint8Array, void> {
  const { options, findings, limits } = reading
  const wrapped: WrappedSessionKey[] = []
  const recipients: string[] = []
  let isEncrypted = false
  for (let count = 0; ; count++) {
    if (count > limits.maxPackets) throw malformed(`more than ${limits.maxPackets} packets stand before the content`)
    const packet = await nextPacket(reader)
    if (packet === undefined) throw truncated('its beginning')
    if (packet.tag === PACKET.publicKeySession || packet.tag === PACKET.symmetricSession) {
      isEncrypted = true
      const body = await packet.bytes(MAX_SMALL_PACKET)
      const session = packet.tag === PACKET.publicKeySession ? readSessionKey(body) : undefined
      if (session !== undefined) wrapped.push(session)
      if (packet.tag === PACKET.publicKeySession) recipients.push(session === undefined ? 'unreadable' : (session.keyId ?? 'hidden'))
      continue
    }
    if (packet.tag === PACKET.protectedData || packet.tag === PACKET.aeadData || packet.tag === PACKET.encrypted) {
      const { report, plain } = await openData(packet, wrapped, recipients, options.decryptWith ?? [], options.allow ?? {})
      findings.encryption = report
      if (report.integrity === 'none') findings.warnings.push('no-integrity-protection')
      yield* inside(plain, reading, report.integrity !== 'none')
      break
    }
    if (isEncrypted) throw malformed(`packet ${packet.tag} stands where encrypted data belongs`)
    const { decryptWith = [], requireEncryption = decryptWith.length > 0 } = options
    if (requireEncryption) throw new AppError('pgp.not_encrypted', 'the message is not encrypted')
    yield* message(packet, reader, reading, false)
    break
  }
  await demandEnd(reader, findings)
}

/** When what is inside is not a message, the integrity check decides whether it was changed or written wrongly. */
async function* inside(plain: AsyncGenerator<Uint8Array, void>, reading: Reading, isProtected: boolean): AsyncGenerator<Uint8Array, void> {
  try {
    // Readers that give up must not end the data before its integrity is known.
    const reader = new PacketReader({ [Symbol.asyncIterator]: () => ({ next: async () => await plain.next() }) }, true)
    const first = await nextPacket(reader)
    if (first === undefined) throw malformed('there is no message inside the encrypted data')
    yield* message(first, reader, reading, false)
    if ((await nextPacket(reader)) !== undefined) throw malformed('something follows the message inside the encrypted data')
  } catch (error) {
    const isFormat = error instanceof AppError && ['pgp.malformed', 'pgp.truncated', 'pgp.unsupported', 'pgp.weak_algorithm'].includes(error.code)
    if (isProtected && isFormat) for await (const chunk of plain) void chunk
    throw error
  } finally {
    await plain.return()
  }
}

/** A compressed, signed or literal message (RFC 9580 10.3), one of each at most: deeper nesting serves attacks only. */
async function* message(first: Packet, reader: PacketReader, reading: Reading, isUnpacked: boolean): AsyncGenerator<Uint8Array, void> {
  const { findings, limits } = reading
  const book = createDigestBook()
  const before: SignaturePacket[] = []
  let announced = 0
  for (let packet: Packet | undefined = first; ; packet = await nextPacket(reader)) {
    if (packet === undefined) throw truncated('the signed content')
    if (announced + before.length > limits.maxPackets) throw malformed(`more than ${limits.maxPackets} signatures`)
    if (packet.tag === PACKET.onePass) {
      announceOnePass(book, await packet.bytes(MAX_SMALL_PACKET))
      announced++
    } else if (packet.tag === PACKET.signature) {
      const signature = readSignature(await packet.bytes(MAX_SMALL_PACKET))
      book.announce(signature.signatureType ?? -1, signature.hashAlgorithm ?? 0, saltOf(signature))
      before.push(signature)
    } else if (packet.tag === PACKET.compressed) {
      if (isUnpacked || announced + before.length > 0) throw malformed('compressed data stands where content belongs')
      yield* unpacked(packet, reading)
      return
    } else if (packet.tag === PACKET.literal) {
      yield* literal(packet, reading, (chunk) => book.update(chunk))
      break
    } else throw malformed(`packet ${packet.tag} stands where content belongs`)
  }
  const after: SignaturePacket[] = []
  while (after.length < announced) {
    const packet = await nextPacket(reader)
    if (packet === undefined) throw truncated('the signatures')
    if (packet.tag !== PACKET.signature) throw malformed(`packet ${packet.tag} stands where a signature belongs`)
    after.push(readSignature(await packet.bytes(MAX_SMALL_PACKET)))
  }
  for (const signature of [...before, ...after]) findings.signatures.push(await judge(signature, book.find(signature), reading.options))
}

async function* unpacked(packet: Packet, reading: Reading): AsyncGenerator<Uint8Array, void> {
  const body = new ByteReader(packet.body())
  if (!(await body.ensure(1))) throw truncated('the compressed data')
  const compression = compressionById(body.take(1)[0] ?? 0)
  reading.findings.compression = compression
  const reader = new PacketReader(decompressed(remaining(body), compression, reading.limits), true)
  try {
    const first = await nextPacket(reader)
    if (first === undefined) throw malformed('there is no message inside the compressed data')
    yield* message(first, reader, reading, true)
    if ((await nextPacket(reader)) !== undefined) throw malformed('something follows the message inside the compressed data')
  } finally {
    await reader.close()
  }
}

async function* literal(packet: Packet, { findings, limits }: Reading, onContent: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array, void> {
  const body = new ByteReader(packet.body())
  if (!(await body.ensure(2))) throw truncated('the literal data')
  const [format = 0, nameBytes = 0] = body.take(2)
  if (!(await body.ensure(nameBytes + 4))) throw truncated('the literal data')
  findings.format = format === 0x62 ? 'binary' : 'text'
  findings.fileName = Buffer.from(body.take(nameBytes)).toString('utf8')
  body.take(4)
  for await (const chunk of remaining(body)) {
    findings.contentBytes += chunk.length
    if (findings.contentBytes > limits.maxContentBytes) throw new AppError('pgp.bomb', `the content is larger than ${limits.maxContentBytes} bytes`)
    onContent(chunk)
    yield chunk
  }
}

async function* remaining(body: ByteReader): AsyncGenerator<Uint8Array, void> {
  do if (body.available > 0) yield body.take(body.available)
  while (await body.fill())
}

/** RFC 9580 5.4; version 6 adds a salt. */
function announceOnePass(book: ReturnType<typeof createDigestBook>, body: Uint8Array): void {
  const [version, type = -1, hash = 0] = body
  if (version !== 3 && version !== 6) throw new AppError('pgp.unsupported', `a one-pass signature of version ${version ?? 0}`)
  book.announce(type, hash, version === 6 ? body.subarray(5, 5 + (body[4] ?? 0)) : undefined)
}

/** Markers and padding mean nothing (RFC 9580 5.8, 5.14). */
async function nextPacket(reader: PacketReader): Promise<Packet | undefined> {
  for (;;) {
    const packet = await reader.next()
    if (packet === undefined || (packet.tag !== PACKET.marker && packet.tag !== PACKET.padding)) return packet
    for await (const chunk of packet.body()) void chunk
  }
}

async function demandEnd(reader: PacketReader, findings: Findings): Promise<void> {
  const trailing = await reader.rest(MAX_TRAILING_BYTES)
  if (trailing > MAX_TRAILING_BYTES) throw malformed('something follows the message')
  if (trailing > 0) findings.warnings.push(`trailing-bytes: ${trailing}`)
}
