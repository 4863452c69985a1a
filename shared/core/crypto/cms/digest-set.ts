/** Digests of one content in all the forms in which a partner may have signed it, while it streams by. */
import type { DigestName } from '../primitives/index.ts'
import type { ByteSource } from './byte-source.ts'
import { DIGEST_FORMS, type CandidateDigest } from './candidates.ts'
import { createLocalDigests, digestsOfWhole, type DigestSetOptions as LocalOptions } from './digest-forms.ts'
import { startDigestThread, type DigestThread } from './digest-thread.ts'

/** Below this size a thread of its own costs more than it saves. */
const PARALLEL_FROM = 4 * 1024 * 1024

export interface DigestSetOptions extends LocalOptions {
  /** Digest in a thread of its own once more than 4 MiB have passed. The result is the same. */
  readonly parallel?: boolean
}

export interface DigestSet {
  /** Takes a chunk, which may be reused afterwards. Await what it gives: back-pressure. */
  update(chunk: Uint8Array): void | Promise<void>
  /** In the order of preference: every form as it is, then those with one CRLF more or less. */
  finish(): Promise<CandidateDigest[]>
  /** For a set that is given up without `finish`; harmless after it. */
  close(): void
}

export function createDigestSet(options: DigestSetOptions): DigestSet {
  const local = createLocalDigests(options)
  if (options.parallel === true) return createParallelSet(options, local)
  return {
    update: (chunk) => local.update(chunk),
    finish: () => Promise.resolve(local.finish()),
    close: () => undefined,
  }
}

/**
 * All three forms take longer than what is done with the content besides: the raw one stays here then, and both sides have about as much to do.
 */
function startDigesting(options: LocalOptions): DigestThread {
  const { forms = DIGEST_FORMS } = options
  if (forms.length < DIGEST_FORMS.length) return startDigestThread(options)
  const here = createLocalDigests({ ...options, forms: ['raw'] })
  const there = startDigestThread({ ...options, forms: forms.filter((form) => form !== 'raw') })
  const preference = ({ ending, form }: CandidateDigest): number => (ending === 'as-is' ? 0 : DIGEST_FORMS.length) + DIGEST_FORMS.indexOf(form)
  return {
    update(chunk) {
      const taken = there.update(chunk)
      here.update(chunk)
      return taken
    },
    finish: async () => [...here.finish(), ...(await there.finish())].toSorted((left, right) => preference(left) - preference(right)),
    close: () => there.close(),
  }
}

/** A running digest cannot move to another thread, so the first chunks are kept and digested there once more. */
function createParallelSet(options: DigestSetOptions, local: ReturnType<typeof createLocalDigests>): DigestSet {
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let thread: DigestThread | undefined
  const handOver = async (started: DigestThread): Promise<void> => {
    for (const chunk of kept) await started.update(chunk)
    kept = []
  }
  return {
    update(chunk) {
      if (thread !== undefined) return thread.update(chunk)
      keptBytes += chunk.length
      kept.push(Buffer.from(chunk))
      if (keptBytes > PARALLEL_FROM) {
        thread = startDigesting(options)
        return handOver(thread)
      }
      local.update(chunk)
    },
    finish: async () => (thread === undefined ? local.finish() : await thread.finish()),
    close: () => thread?.close(),
  }
}

/** Passes chunks through and updates the set; whoever reads it to the end calls `finish`. Closes the set when broken off. */
export async function* digestWhile(source: ByteSource, set: DigestSet): AsyncGenerator<Uint8Array, void> {
  let complete = false
  try {
    for await (const chunk of source) {
      await set.update(chunk)
      yield chunk
    }
    complete = true
  } finally {
    if (!complete) set.close()
  }
}

/** All forms of a small buffer at once. */
export function candidatesOf(bytes: Uint8Array, algorithms: readonly DigestName[]): CandidateDigest[] {
  return digestsOfWhole(bytes, { algorithms })
}
