/** Digests of one content in all the forms in which a partner may have signed it, computed where it is called. */
import type { Hash } from 'node:crypto'
import { createDigest, type DigestName } from '../primitives/index.ts'
import { DIGEST_FORMS, HEAD_BYTES, startsLikeAttributes, type CandidateDigest, type DigestForm } from './candidates.ts'
import { createLineEnds, type LineEnds } from './line-ends.ts'

const CRLF = Buffer.from('\r\n')
const LINE_FEED = Buffer.from('\n')
const EMPTY = new Uint8Array()

export interface DigestSetOptions {
  readonly algorithms: readonly DigestName[]
  /** Default all three. `raw` alone is the cheapest, and enough where no other form can matter. */
  readonly forms?: readonly DigestForm[]
  /** Also with one CRLF more or less at the end; default true. */
  readonly endings?: boolean
}

/** The running digests of one form. */
interface Running {
  readonly hashes: readonly Hash[]
  /** The last two octets wait, so that the form without its last CRLF can still be had. */
  tail: Uint8Array
}

interface Form {
  readonly form: DigestForm
  /** Null for `raw`. */
  readonly lineEnds: LineEnds | null
  /** Null as long as the form is the same as the raw content, whose digests it then shares. */
  own: Running | null
}

export interface LocalDigests {
  update(chunk: Uint8Array): void
  /** In the order of preference: every form as it is, then those with one CRLF more or less. */
  finish(): CandidateDigest[]
}

export function createLocalDigests({ algorithms, forms = DIGEST_FORMS, endings = true }: DigestSetOptions): LocalDigests {
  const raw: Running = { hashes: algorithms.map(createDigest), tail: EMPTY }
  const running = DIGEST_FORMS.filter((form) => forms.includes(form)).map((form): Form => ({
    form,
    lineEnds: form === 'raw' ? null : createLineEnds(form === 'canonical' ? 'everywhere' : 'header'),
    own: null,
  }))
  let head: Uint8Array = EMPTY
  return {
    update(chunk) {
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)])
      for (const { own, lineEnds } of running) if (own !== null) lineEnds?.push(chunk, (octets) => take(own, octets))
      let at = 0
      for (const { form, lineEnds, from } of partings(running, chunk)) {
        take(raw, chunk.subarray(at, from))
        at = from
        const own = copyOf(raw)
        form.own = own
        lineEnds.push(chunk.subarray(from), (octets) => take(own, octets))
      }
      if (running.some(({ own }) => own === null)) take(raw, chunk.subarray(at))
    },
    finish() {
      const mark = startsLikeAttributes(head) ? { likeAttributes: true } : {}
      for (const form of running) {
        if (form.lineEnds?.lacksLineFeed !== true) continue
        form.own ??= copyOf(raw)
        take(form.own, LINE_FEED)
      }
      const made = new Map<Running, Omit<CandidateDigest, 'form'>[]>()
      const digestsFrom = (from: Running): Omit<CandidateDigest, 'form'>[] => {
        const digests = made.get(from) ?? digestsOf(from, algorithms, endings)
        made.set(from, digests)
        return digests
      }
      const found = running.flatMap(({ form, own }) => digestsFrom(own ?? raw).map((one): CandidateDigest => ({ form, ...one, ...mark })))
      return [...found.filter(({ ending }) => ending === 'as-is'), ...found.filter(({ ending }) => ending !== 'as-is')]
    },
  }
}

interface Parting {
  readonly form: Form
  readonly lineEnds: LineEnds
  /** Index in the chunk of the first octet that the form does not share with the raw content. */
  readonly from: number
}

/** The forms that part from the raw content within this chunk, in the order of the places. */
function partings(running: readonly Form[], chunk: Uint8Array): Parting[] {
  const found: Parting[] = []
  for (const form of running) {
    const { lineEnds, own } = form
    if (lineEnds === null || own !== null || lineEnds.done) continue
    const from = lineEnds.firstChange(chunk)
    if (from < chunk.length) found.push({ form, lineEnds, from })
  }
  return found.toSorted((left, right) => left.from - right.from)
}

function copyOf({ hashes, tail }: Running): Running {
  return { hashes: hashes.map((hash) => hash.copy()), tail }
}

function take(running: Running, chunk: Uint8Array): void {
  if (chunk.length === 0) return
  const { hashes, tail } = running
  if (chunk.length < 2) {
    const joined = Buffer.concat([tail, chunk])
    if (joined.length > 2) for (const hash of hashes) hash.update(joined.subarray(0, -2))
    running.tail = joined.subarray(-2)
    return
  }
  for (const hash of hashes) {
    if (tail.length > 0) hash.update(tail)
    if (chunk.length > 2) hash.update(chunk.subarray(0, -2))
  }
  running.tail = Uint8Array.from(chunk.subarray(-2))
}

/** Ends the hashes. */
function digestsOf({ hashes, tail }: Running, algorithms: readonly DigestName[], endings: boolean): Omit<CandidateDigest, 'form'>[] {
  const endsInCrlf = tail.length === 2 && tail[0] === 13 && tail[1] === 10
  return hashes.flatMap((hash, index) => {
    const algorithm = algorithms[index]
    if (algorithm === undefined) return []
    if (!endings) return [{ ending: 'as-is' as const, algorithm, digest: hash.update(tail).digest() }]
    const whole = hash.copy().update(tail)
    return [
      { ending: 'crlf-added' as const, algorithm, digest: whole.copy().update(CRLF).digest() },
      { ending: 'as-is' as const, algorithm, digest: whole.digest() },
      ...(endsInCrlf ? [{ ending: 'crlf-removed' as const, algorithm, digest: hash.copy().digest() }] : []),
    ]
  })
}
