/** Digests of one content in all the forms in which a partner may have signed it, while it streams by. */
import type { Hash } from 'node:crypto'
import { createDigest, type DigestName } from '../primitives.ts'
import type { ByteSource } from './byte-source.ts'
import { DIGEST_FORMS, type CandidateDigest, type DigestForm } from './candidates.ts'
import { createLineEnds, type LineEnds } from './line-ends.ts'

const CRLF = Buffer.from('\r\n')

export interface DigestSetOptions {
  readonly algorithms: readonly DigestName[]
  /** Default all three. `raw` alone is the cheapest, and enough where no other form can matter. */
  readonly forms?: readonly DigestForm[]
}

export interface DigestSet {
  update(chunk: Uint8Array): void
  /** In the order of preference: every form as it is, then those with one CRLF more or less. */
  finish(): CandidateDigest[]
}

export function createDigestSet({ algorithms, forms = DIGEST_FORMS }: DigestSetOptions): DigestSet {
  const running = DIGEST_FORMS.filter((form) => forms.includes(form)).map((form) => createForm(form, algorithms))
  return {
    update(chunk) {
      for (const form of running) form.update(chunk)
    },
    finish() {
      const found = running.flatMap((form) => form.finish())
      return [...found.filter(({ ending }) => ending === 'as-is'), ...found.filter(({ ending }) => ending !== 'as-is')]
    },
  }
}

/** Passes chunks through and updates the set; whoever reads it calls `finish`. */
export async function* digestWhile(source: ByteSource, set: DigestSet): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    set.update(chunk)
    yield chunk
  }
}

/** All forms of a small buffer at once. */
export function candidatesOf(bytes: Uint8Array, algorithms: readonly DigestName[]): CandidateDigest[] {
  const set = createDigestSet({ algorithms })
  set.update(bytes)
  return set.finish()
}

function createForm(form: DigestForm, algorithms: readonly DigestName[]): { update(chunk: Uint8Array): void; finish(): CandidateDigest[] } {
  const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createDigest(algorithm) }))
  const lineEnds: LineEnds | null = form === 'raw' ? null : createLineEnds(form === 'canonical' ? 'everywhere' : 'header')
  // The last two bytes wait, so that the form without its last CRLF can still be had.
  let tail: Uint8Array = Buffer.alloc(0)
  const take = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return
    const waiting = chunk.length >= 2 ? chunk.subarray(-2) : Buffer.concat([tail, chunk]).subarray(-2)
    const done = chunk.length >= 2 ? [tail, chunk.subarray(0, -2)] : [Buffer.concat([tail, chunk]).subarray(0, -2)]
    for (const { hash } of hashes) for (const part of done) if (part.length > 0) hash.update(part)
    tail = Uint8Array.from(waiting)
  }
  const ending = (hash: Hash, ...more: readonly Uint8Array[]): Uint8Array => {
    const copy = hash.copy()
    for (const part of more) copy.update(part)
    return copy.digest()
  }
  return {
    update: (chunk) => take(lineEnds === null ? chunk : lineEnds.push(chunk)),
    finish() {
      if (lineEnds !== null) take(lineEnds.end())
      const endsInCrlf = tail.length === 2 && tail[0] === 13 && tail[1] === 10
      return hashes.flatMap(({ algorithm, hash }): CandidateDigest[] => [
        { form, ending: 'as-is', algorithm, digest: ending(hash, tail) },
        { form, ending: 'crlf-added', algorithm, digest: ending(hash, tail, CRLF) },
        ...(endsInCrlf ? [{ form, ending: 'crlf-removed', algorithm, digest: ending(hash) } as const] : []),
      ])
    },
  }
}
