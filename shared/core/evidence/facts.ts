import type { DeliveryDetail } from '../../contract/deliveries.ts'
import type { EvidenceManifest } from '../../contract/evidence.ts'

/** What the checks look at, after signature and digests held. */
export interface Facts {
  readonly manifest: EvidenceManifest
  /** PEM. */
  readonly key: string
  readonly detail: DeliveryDetail
  /** Of every file that is listed. */
  readonly digests: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>
  readonly records: string
  readonly anchor: string
}
