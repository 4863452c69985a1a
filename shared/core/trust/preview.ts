/** What an import would make, before anything is stored. Pure. */
import type { FitnessProblem } from '../../contract/trust-details.ts'
import type { PreviewItem } from '../../contract/trust.ts'
import { fitnessOf, type Circumstances } from './fitness.ts'
import type { StoredItem } from './repository.ts'
import type { Found } from './x509-material.ts'

export function previewOf({ kind, key, label }: Found, known: StoredItem | null, remarks: readonly FitnessProblem[], circumstances: Circumstances): PreviewItem {
  const { algorithm, bits, fingerprint, notBefore = null, notAfter = null, x509 = null, pgp = null } = key
  const hasPrivateKey = key.privateKey !== undefined || known?.secret != null
  return {
    kind, label, algorithm, bits, fingerprint, hasPrivateKey, notBefore, notAfter, x509, pgp,
    fitness: fitnessOf({ kind, state: known?.item.state ?? 'active', hasPrivateKey, algorithm, bits, notBefore, notAfter, x509, pgp }, circumstances),
    remarks: [...remarks],
    known: known === null ? null : { id: known.item.id, label: known.item.label, state: known.item.state, adds: additions(known, key) },
  }
}

function additions(known: StoredItem, key: Found['key']): NonNullable<PreviewItem['known']>['adds'] {
  return [
    ...(key.privateKey !== undefined && known.secret === null ? (['private-key'] as const) : []),
    ...((key.chain?.length ?? 0) > known.chain.length ? (['chain'] as const) : []),
    ...(key.pgp !== undefined && JSON.stringify(key.pgp) !== JSON.stringify(known.item.pgp) ? (['renewal'] as const) : []),
  ]
}
