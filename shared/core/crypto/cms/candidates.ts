/** Digests of the forms that a signed entity may have had when it was signed. */
import type { DigestName } from '../primitives.ts'

/** `raw` as received; `canonical` with CRLF line ends everywhere; `header-canonical` with CRLF in the header block only. */
export type DigestForm = 'raw' | 'canonical' | 'header-canonical'
/** The content as it is, with one CRLF more, or with its last CRLF removed. */
export type DigestEnding = 'as-is' | 'crlf-added' | 'crlf-removed'

/** One digest of one form of the content. */
export interface CandidateDigest {
  readonly form: DigestForm
  readonly ending: DigestEnding
  readonly algorithm: DigestName
  readonly digest: Uint8Array
}

export const DIGEST_FORMS: readonly DigestForm[] = ['raw', 'canonical', 'header-canonical']
export const DIGEST_ENDINGS: readonly DigestEnding[] = ['as-is', 'crlf-added', 'crlf-removed']

/** The digest of one form; `raw` and `as-is` unless told. */
export function findDigest(
  candidates: readonly CandidateDigest[],
  wanted: { readonly algorithm: DigestName; readonly form?: DigestForm; readonly ending?: DigestEnding },
): Uint8Array | undefined {
  const { algorithm, form = 'raw', ending = 'as-is' } = wanted
  return candidates.find((one) => one.algorithm === algorithm && one.form === form && one.ending === ending)?.digest
}
