/** Writes bundles: each file is digested while it is packed; the list of all of them comes last and is signed. */
import { createHash } from 'node:crypto'
import type { EvidenceFile, EvidenceManifest } from '../../contract/evidence.ts'
import type { AuditTrail } from '../audit/service.ts'
import { zipped, type FileToZip } from '../archives/zip-writer.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { underFreeName, writeNewFile } from '../kernel/new-file.ts'
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
    const { bytes, sha256 } = await writeNewFile(path, zipped(packed), signal)
    if (manifest === null) throw new TypeError('the list was not written')
    return { path, bytes, sha256, key: keyFingerprint(publicKeyOf(signer.publicKey())), manifest }
  }

  return {
    /** Rejects with `input.not_found`, and with `input.conflict` when the file is there: nothing is overwritten. */
    async export(request: { readonly delivery: string; readonly path?: string | undefined; readonly content: boolean }, actor: Actor, signal: AbortSignal): Promise<Exported> {
      const contents = await contentsOf(request.delivery, request.content, sources, signal)
      const exported = request.path === undefined ? await underFreeName(deps.exports, `${request.delivery}-evidence`, '.zip', async (path) => await write(path, contents, signal)) : await write(request.path, contents, signal)
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
