/**
 * Holds a whole object that came without TLS against its ETag: on such a line nothing else would tell that a byte was changed. The ETag is
 * the MD5 of what came in one piece, unless the store encrypts or thinks otherwise, which it need not tell.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'

type Digest = (md5: Buffer) => string

/** What the ETag of this content would be where it is one of its content; null where it cannot be. */
export function etagDigest(etag: string | undefined): Digest | null {
  const form = /^"?[0-9a-f]{32}(-\d+)?"?$/.exec(etag ?? '')
  if (form === null) return null
  const parts = form[1]
  if (parts === undefined) return (md5) => md5.toString('hex')
  // Of one part: the digest of its digest. Where there are more, nobody tells how large they were.
  return parts === '-1' ? (md5) => `${createHash('md5').update(md5).digest('hex')}-1` : null
}

/** `etag`: known when the first byte has come. `again`: the same object once more. Rejects with `remote.verification_failed` at the end of what was changed on the way. */
export async function* heldToEtag(content: AsyncIterable<Uint8Array>, { etag, again, what }: { readonly etag: () => string | undefined; readonly again: () => AsyncIterable<Uint8Array>; readonly what: string }): AsyncIterable<Uint8Array> {
  const digest = createHash('md5')
  let digestOf: Digest | null | undefined
  for await (const piece of content) {
    if (digestOf === undefined) digestOf = etagDigest(etag())
    if (digestOf !== null) digest.update(piece)
    yield piece
  }
  const expected = etag()
  digestOf ??= etagDigest(expected)
  if (digestOf === null) return
  const md5 = digest.digest()
  if (digestOf(md5) === expected?.replaceAll('"', '')) return
  // Either it was changed, or this store's ETag is no digest. What comes twice the same was not changed.
  const second = createHash('md5')
  for await (const piece of again()) second.update(piece)
  if (!second.digest().equals(md5)) throw new AppError('remote.verification_failed', `${what} did not come as it stands there`, { details: { name: what } })
}
