/** Digests of the forms that a signed entity may have had when it was signed. */
import type { DigestName } from '../primitives/index.ts'

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
  /** The content itself looks like encoded signed attributes (see `startsLikeAttributes`). */
  readonly likeAttributes?: boolean
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

/** How much of a content `startsLikeAttributes` needs. */
export const HEAD_BYTES = 16

/**
 * Whether a content starts as DER-encoded signed attributes do: SET, SEQUENCE, OBJECT IDENTIFIER. A signature over real
 * attributes also verifies as one without attributes over a content that consists of their encoding; so such a content
 * is refused where no attributes are signed (draft-ietf-lamps-cms-euf-cma-signeddata).
 */
export function startsLikeAttributes(head: Uint8Array): boolean {
  const inSet = contentStart(head, 0, 0x31)
  const inSequence = inSet === undefined ? undefined : contentStart(head, inSet, 0x30)
  return inSequence !== undefined && head[inSequence] === 0x06
}

/** Where the content of an element of this tag at `at` starts; undefined when there is none of a definite length. */
function contentStart(head: Uint8Array, at: number, tag: number): number | undefined {
  const length = head[at + 1]
  if (head[at] !== tag || length === undefined) return undefined
  if (length < 0x80) return at + 2
  return length > 0x80 && length <= 0x84 ? at + 2 + (length & 0x7f) : undefined
}
