/** Digests of a message that is being built, in every form and algorithm that a partner may answer with. */
import { digestsOfWhole, findDigest, GATHERED_BYTES, type CandidateDigest, type DigestForm, type DigestName } from '../../../crypto/cms/index.ts'
import { createTap, type DigestTap } from './digest-tap.ts'
import { MessageError } from './errors.ts'
import type { MicCandidate, MicScope } from './mic.ts'

/** Up to here every algorithm and form is computed: it costs little, and partners may be stranger than announced. */
const ALL_FORMS_UNTIL = 16 * 1024 * 1024

export interface MicPlan {
  /** Those that must be had whatever the size. */
  readonly algorithms: readonly DigestName[]
  /** Line ends of the content may be changed on its way, or before it is digested. */
  readonly text: boolean
  /** What is to come at least, as far as it is known. */
  readonly bytes: number
}

export interface MicTap {
  update(chunk: Uint8Array): Promise<void>
  finish(): Promise<CandidateDigest[]>
  close(): void
}

export function createMicTap(plan: MicPlan): MicTap {
  const gathered: Uint8Array[] = []
  let bytes = 0
  let running: MicTap | null = null
  return {
    async update(chunk) {
      if (running === null && bytes + chunk.length > GATHERED_BYTES) {
        running = createRunningTap(plan)
        for (const earlier of gathered.splice(0)) await running.update(earlier)
      }
      bytes += chunk.length
      if (running !== null) await running.update(chunk)
      // It may be used again once the next one is asked for.
      else gathered.push(Buffer.from(chunk))
    },
    finish: async () => (running === null ? digestsOfWhole(Buffer.concat(gathered), { algorithms: [...plan.algorithms, ...othersThan(plan.algorithms)], forms: ['raw', 'canonical'], endings: false }) : await running.finish()),
    close: () => running?.close(),
  }
}

function othersThan(algorithms: readonly DigestName[]): DigestName[] {
  return (['sha256', 'sha1', 'sha512', 'sha384', 'md5'] as const).filter((name) => !algorithms.includes(name))
}

function createRunningTap({ algorithms, text, bytes: expected }: MicPlan): MicTap {
  const others = othersThan(algorithms)
  const forms: DigestForm[] = text ? ['raw', 'canonical'] : ['raw']
  const lasting = createTap(algorithms, forms, { endings: false })
  const small = { parallel: false, endings: false }
  let passing: DigestTap[] = expected > ALL_FORMS_UNTIL ? [] : [createTap(others, ['raw', 'canonical'], small), ...(text ? [] : [createTap(algorithms, ['canonical'], small)])]
  let bytes = 0
  return {
    async update(chunk) {
      bytes += chunk.length
      if (bytes > ALL_FORMS_UNTIL) {
        for (const tap of passing) tap.close()
        passing = []
      }
      for (const tap of [lasting, ...passing]) await tap.update(chunk)
    },
    async finish() {
      const found = await Promise.all([lasting, ...passing].map((tap) => tap.finish()))
      return found.flat()
    },
    close: () => lasting.close(),
  }
}

/** Passes chunks through; gives up when something breaks, else the caller finishes. */
export async function* micTapped(source: AsyncIterable<Uint8Array>, ...taps: readonly MicTap[]): AsyncGenerator<Uint8Array, void> {
  let complete = false
  try {
    for await (const chunk of source) {
      for (const tap of taps) await tap.update(chunk)
      yield chunk
    }
    complete = true
  } finally {
    if (!complete) for (const tap of taps) tap.close()
  }
}

/** The digest to sign. */
export function digestToSign(candidates: readonly CandidateDigest[], algorithm: DigestName, form: 'raw' | 'canonical'): Uint8Array {
  const digest = findDigest(candidates, { algorithm, form })
  if (digest === undefined) throw new MessageError('message.options_invalid', `no ${algorithm} digest of the content was made`)
  return digest
}

/** As plain data: by algorithm in the given order, the preferred form first, equal values once. */
export function micsOf(over: MicScope, candidates: readonly CandidateDigest[], order: readonly DigestName[], preferred: 'raw' | 'canonical'): MicCandidate[] {
  const rank = (one: CandidateDigest): number => (order.includes(one.algorithm) ? order.indexOf(one.algorithm) : order.length) * 2 + (one.form === preferred ? 0 : 1)
  const mics = new Map<string, MicCandidate>()
  for (const { algorithm, form, digest } of candidates.toSorted((a, b) => rank(a) - rank(b))) {
    const value = Buffer.from(digest).toString('base64')
    if (!mics.has(value)) mics.set(value, { algorithm, over, form, value })
  }
  return [...mics.values()]
}
