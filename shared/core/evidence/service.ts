/** Writes bundles: each file is digested while it is packed; the list of all of them comes last and is signed. */
import { createHash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvidenceFile, EvidenceManifest } from '../../contract/evidence.ts'
import type { AuditTrail } from '../audit/service.ts'
import { zipped, type FileToZip } from '../archives/zip-writer.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { contentsOf, type Contents, type ContentSources, type Part } from './contents.ts'
import { keyFingerprint, NAMES, publicKeyOf } from './form.ts'

export interface Exported {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  /** SHA-256 of the key that signed it. */
  readonly key: string
  readonly manifest: EvidenceManifest
}

const MOST_EXPORTS = 1000

export type EvidenceService = ReturnType<typeof createEvidence>

export function createEvidence(deps: {
  readonly sources: ContentSources
  readonly signer: { publicKey(): string; sign(bytes: Uint8Array): Buffer }
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly workspace: string
  readonly product: string
  /** Our own folder of exports. */
  readonly exports: string
}) {
  const { sources, signer, audit, clock } = deps

  const manifestOf = ({ detail, names, missing }: Contents, files: readonly EvidenceFile[], at: string): EvidenceManifest => ({
    form: 'waybill-evidence-1',
    workspace: deps.workspace,
    station: names.station,
    partner: { id: detail.delivery.partner, name: names.partner },
    delivery: detail.delivery.id,
    exportedAt: at,
    product: deps.product,
    files: [...files],
    missing: [...missing],
  })

  const write = async (path: string, contents: Contents, signal: AbortSignal): Promise<Exported> => {
    const now = clock.now()
    const files: EvidenceFile[] = []
    let manifest: EvidenceManifest | null = null
    // Asked for one after the other, so that the list is made when all that it lists was read.
    const listed = (): Buffer => Buffer.from(`${JSON.stringify((manifest ??= manifestOf(contents, files, timestamp(now))), null, 2)}\n`)
    const packed: FileToZip[] = [
      ...contents.parts.map((part) => ({ name: part.name, modified: now, read: () => digested(part, files) })),
      { name: NAMES.manifest, modified: now, read: () => once(listed) },
      { name: NAMES.signature, modified: now, read: () => once(() => signer.sign(listed())) },
      { name: NAMES.key, modified: now, read: () => once(() => Buffer.from(signer.publicKey())) },
    ]
    const { bytes, sha256 } = await writeNew(path, zipped(packed), signal)
    if (manifest === null) throw new TypeError('the list was not written')
    return { path, bytes, sha256, key: keyFingerprint(publicKeyOf(signer.publicKey())), manifest }
  }

  const somewhere = async (delivery: string, contents: Contents, signal: AbortSignal): Promise<Exported> => {
    await mkdir(deps.exports, { recursive: true, mode: 0o700 })
    for (let number = 1; ; number++) {
      try {
        return await write(join(deps.exports, `${delivery}-evidence${number === 1 ? '' : `-${number}`}.zip`), contents, signal)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'input.conflict' || number >= MOST_EXPORTS) throw error
      }
    }
  }

  return {
    /** Rejects with `input.not_found`, and with `input.conflict` when the file is there: nothing is overwritten. */
    async export(request: { readonly delivery: string; readonly path?: string | undefined; readonly content: boolean }, actor: Actor, signal: AbortSignal): Promise<Exported> {
      const contents = await contentsOf(request.delivery, request.content, sources, signal)
      const exported = request.path === undefined ? await somewhere(request.delivery, contents, signal) : await write(request.path, contents, signal)
      const { delivery } = contents.detail
      audit.record({ actor, type: 'evidence.exported', subject: { kind: 'delivery', id: delivery.id }, partner: delivery.partner, data: { file: exported.path, sha256: exported.sha256, content: request.content } })
      return exported
    },
  }
}

async function* digested(part: Part, files: EvidenceFile[]): AsyncGenerator<Uint8Array, void> {
  const digest = createHash('sha256')
  let size = 0
  for await (const piece of part.read()) {
    digest.update(piece)
    size += piece.length
    yield piece
  }
  files.push({ name: part.name, size, sha256: digest.digest('hex'), about: part.about })
}

async function* once(make: () => Buffer): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(make())
}

async function writeNew(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const digest = createHash('sha256')
  let bytes = 0
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const piece of content) {
        signal.throwIfAborted()
        digest.update(piece)
        bytes += piece.length
        for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten
      }
      await file.sync()
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (error instanceof AppError || code === undefined) throw error
    throw code === 'EEXIST' ? new AppError('input.conflict', `${path} exists already; nothing was written`, { cause: error }) : new AppError('input.unwritable', `${path} cannot be written (${code})`, { cause: error })
  }
  return { bytes, sha256: digest.digest('hex') }
}
