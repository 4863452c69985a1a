/** Key and certificate files as they come in: looked at first, then imported and bound as a whole or not at all. */
import type { ProvenanceInput } from '../../contract/connections/common.ts'
import type { FitnessProblem } from '../../contract/trust-details.ts'
import type { PreviewItem, TrustItem } from '../../contract/trust.ts'
import type { Actor } from '../kernel/actor.ts'
import { revocationIn } from '../crypto/openpgp/index.ts'
import { AppError } from '../kernel/errors.ts'
import type { Database } from '../store/database.ts'
import type { BindTarget, Inventory } from './inventory.ts'
import { readMaterial, type Material, type MaterialRequest } from './material-files.ts'
import { asNew } from './new-item.ts'
import { previewOf } from './preview.ts'
import { remarksOf } from './remarks.ts'
import type { TrustRepository } from './repository.ts'
import type { Found, LoneKey } from './x509-material.ts'

export interface ImportRequest {
  /** The file's content. */
  readonly content: Buffer
  readonly kind?: 'x509' | 'ca' | undefined
  readonly label?: string | undefined
  readonly passphrase?: string | undefined
  readonly bind: readonly BindTarget[]
  readonly provenance?: ProvenanceInput | undefined
}

export function createTakingIn({ database, repository, inventory, requirePartners }: { readonly database: Database; readonly repository: TrustRepository; readonly inventory: Inventory; readonly requirePartners: (targets: readonly BindTarget[]) => void }) {
  /** A private key whose certificate is in the inventory already. */
  const attachKey = ({ keyId, privateKey }: LoneKey, actor: Actor): string => {
    const [known] = repository.findByKeyId(keyId)
    if (known === undefined) throw new AppError('trust.key_without_certificate', 'no certificate belongs to the private key')
    if (known.secret === null) inventory.addPrivateKey(known.item, privateKey, actor)
    return known.item.id
  }

  /** An authority's answer to our request: the same key pair, so the private half is here already. */
  const installAnswer = (item: TrustItem, actor: Actor): void => {
    if (item.kind !== 'x509' || item.hasPrivateKey || item.keyId === null) return
    const privateKey = repository.findByKeyId(item.keyId).map(({ item: other }) => inventory.privateKey(other.id)).find((text) => text !== null)
    if (privateKey !== undefined && privateKey !== null) inventory.addPrivateKey(item, privateKey, actor)
  }

  const knowsKey = (keyId: string): boolean => repository.findByKeyId(keyId).length > 0

  /** An OpenPGP key that is here already comes in as both together. */
  const withKnown = async (found: Found): Promise<Found> => {
    const known = found.kind === 'pgp' ? repository.findByFingerprint('pgp', found.key.fingerprint) : null
    if (known === null) return found
    const { mergedWithKnown } = await import('./pgp-items.ts')
    return await mergedWithKnown(found, { publicKey: known.item.publicKey, privateKey: inventory.privateKey(known.item.id) })
  }

  const read = async (request: MaterialRequest): Promise<Material> => {
    const revocation = await revocationIn(request.content)
    if (revocation === 'none') return await readMaterial(request, knowsKey)
    if (revocation === 'guarded') throw new AppError('key.malformed', 'this is a revocation certificate with the colon that GnuPG put before its first line, against mistakes; take the colon away if the key is really to be revoked')
    const known = repository.list({ limit: 10_000, kind: 'pgp' }).items.flatMap(({ publicKey }) => publicKey ?? [])
    const { revokedFound } = await import('./pgp-items.ts')
    return { format: 'OpenPGP revocation', found: [await revokedFound(request.content, known)], loneKeys: [] }
  }

  const remarksOn = ({ kind, key }: Found): FitnessProblem[] => {
    const others = key.keyId === undefined ? [] : repository.findByKeyId(key.keyId).filter(({ item }) => item.kind !== kind || item.fingerprint !== key.fingerprint)
    return remarksOf(key, others.map(({ item }) => item.label))
  }

  return {
    /** What an import would make. */
    async preview(request: Omit<ImportRequest, 'bind'>): Promise<{ format: string; items: PreviewItem[] }> {
      const material = await read({ ...request, bind: [] })
      const attached = material.loneKeys.flatMap(({ keyId, privateKey }) => repository.findByKeyId(keyId).slice(0, 1).map(({ item }): Found => ({ kind: item.kind, label: item.label, key: { ...asNew(item), privateKey } })))
      if (attached.length < material.loneKeys.length) throw new AppError('trust.key_without_certificate', 'no certificate belongs to the private key')
      const found = await Promise.all([...attached, ...material.found].map(withKnown))
      return {
        format: material.format,
        items: found.map((one) => previewOf(one, repository.findByFingerprint(one.kind, one.key.fingerprint), remarksOn(one), inventory.circumstances({}))),
      }
    },

    /** Imports whatever the content holds and binds it. Nothing is stored unless everything can be. */
    async import(request: ImportRequest, actor: Actor): Promise<{ items: TrustItem[]; created: number }> {
      const material = await read(request)
      const found = await Promise.all(material.found.map(withKnown))
      const result = database.transaction(() => {
        requirePartners(request.bind)
        const attached = material.loneKeys.map((key) => attachKey(key, actor))
        const made = found.map(({ kind, key, label }) => inventory.ensure(kind, key, request.label ?? label, actor))
        for (const { item } of made) installAnswer(item, actor)
        const ids = [...new Set([...attached, ...made.map(({ item }) => item.id)])]
        for (const id of ids) {
          if (request.provenance !== undefined) inventory.addProvenance(id, inventory.provenance(request.provenance, actor))
          for (const target of request.bind) inventory.bind(id, target, actor)
        }
        return { items: ids.map((id) => repository.get(id).item), created: made.filter(({ created }) => created).length }
      })
      for (const item of result.items) inventory.announce(item)
      return result
    },
  }
}
