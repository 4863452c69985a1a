/** Signatures in a file of their own. */
import { AppError } from '../../kernel/errors.ts'
import { collect, openedFrom, type Opened } from '../cms/opened.ts'
import type { ByteSource } from '../cms/byte-source.ts'
import { armored, packetsOf } from './armor.ts'
import type { PgpKey } from './key-types.ts'
import { readSignature, type SignaturePacket } from './library.ts'
import { malformed, PACKET, PacketReader } from './packet-stream.ts'
import { DEFAULT_LIMITS, type PgpAllowances } from './settings.ts'
import { createSigner, type SignedWith } from './signing.ts'
import { createDigestBook, demandSignature, judge, saltOf, signatureWarnings, type SignatureReport, type VerifyOptions } from './verifying.ts'

const MAX_SIGNATURE_FILE = 1024 * 1024

export interface DetachedSignature {
  readonly bytes: Uint8Array
  readonly signatures: readonly SignedWith[]
}

/** Reads the content to its end; rejects beforehand when a key is unfit. */
export async function signDetached(source: ByteSource, options: { readonly signWith: readonly PgpKey[]; readonly armor?: boolean; readonly allow?: PgpAllowances; readonly at?: Date }): Promise<DetachedSignature> {
  const at = new Date(Math.floor((options.at ?? new Date()).getTime() / 1000) * 1000)
  const signers = options.signWith.map((key) => createSigner(key, at, options.allow ?? {}))
  if (signers.length === 0) throw new AppError('input.invalid', 'no key to sign with was given')
  for await (const chunk of source) for (const signer of signers) signer.update(chunk)
  async function* packets(): AsyncGenerator<Uint8Array, void> {
    for (const signer of signers) yield await signer.finish()
  }
  return { bytes: await collect(options.armor === true ? armored('SIGNATURE', packets()) : packets(), MAX_SIGNATURE_FILE), signatures: signers.map(({ report }) => report) }
}

export interface DetachedReport {
  readonly signatures: readonly SignatureReport[]
  readonly signedBy: SignatureReport
  readonly contentBytes: number
  readonly warnings: readonly string[]
}

/** Passes the content through; `result` resolves when a signature by a given key counts. */
export function verifyDetached(source: ByteSource, signature: Uint8Array, options: VerifyOptions): Opened<DetachedReport> {
  return openedFrom(runVerify(source, signature, options), () => new AppError('pgp.abandoned', 'the content was not read to its end'))
}

async function* runVerify(source: ByteSource, file: Uint8Array, options: VerifyOptions): AsyncGenerator<Uint8Array, DetachedReport> {
  const found = await readSignatures(file)
  const book = createDigestBook()
  for (const signature of found) book.announce(signature.signatureType ?? -1, signature.hashAlgorithm ?? 0, saltOf(signature))
  let contentBytes = 0
  for await (const chunk of source) {
    contentBytes += chunk.length
    book.update(chunk)
    yield chunk
  }
  const signatures = await Promise.all(found.map(async (signature) => await judge(signature, book.find(signature), options)))
  demandSignature(signatures, true)
  const signedBy = signatures.find(({ status }) => status === 'valid')
  if (signedBy === undefined) throw new AppError('pgp.not_signed', 'there is no signature')
  return { signatures, signedBy, contentBytes, warnings: signatureWarnings(signatures, options.verifyWith ?? [], options.at ?? new Date()) }
}

async function readSignatures(file: Uint8Array): Promise<SignaturePacket[]> {
  if (file.length > MAX_SIGNATURE_FILE) throw malformed(`the signature is larger than ${MAX_SIGNATURE_FILE} bytes`)
  const { packets } = await packetsOf([file], ['SIGNATURE'])
  const reader = new PacketReader(packets)
  const found: SignaturePacket[] = []
  for (let packet = await reader.next(); packet !== undefined; packet = await reader.next()) {
    if (packet.tag !== PACKET.signature) throw malformed(`packet ${packet.tag} stands where a signature belongs`)
    found.push(readSignature(await packet.bytes(MAX_SIGNATURE_FILE)))
    if (found.length > DEFAULT_LIMITS.maxPackets) throw malformed(`more than ${DEFAULT_LIMITS.maxPackets} signatures`)
  }
  return found
}
