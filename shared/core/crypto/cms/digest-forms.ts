/** Digests of one content in all the forms in which a partner may have signed it, computed where it is called. */
import type { Hash } from 'node:crypto'
import { createDigest, digestOf, type DigestName } from '../primitives/index.ts'
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

/** Up to here a content is gathered and digested at its end: running digests, which can be copied, cost several times as much then. */
export const GATHERED_BYTES = 64 * 1024

export function createLocalDigests(options: DigestSetOptions): LocalDigests {
  const gathered: Uint8Array[] = []
  let bytes = 0
  let running: LocalDigests | null = null
  return {
    update(chunk) {
      if (running === null && bytes + chunk.length > GATHERED_BYTES) {
        running = createRunningDigests(options)
        for (const earlier of gathered.splice(0)) running.update(earlier)
      }
      bytes += chunk.length
      if (running !== null) running.update(chunk)
      else if (chunk.length > 0) gathered.push(Uint8Array.from(chunk))
    },
    finish: () => running?.finish() ?? digestsOfWhole(Buffer.concat(gathered), options),
  }
}

/** The same of a content that is at hand. */
export function digestsOfWhole(content: Uint8Array, { algorithms, forms = DIGEST_FORMS, endings = true }: DigestSetOptions): CandidateDigest[] {
  const mark = startsLikeAttributes(content) ? { likeAttributes: true } : {}
  const made = new Map<Uint8Array, Omit<CandidateDigest, 'form'>[]>()
  const found = DIGEST_FORMS.filter((form) => forms.includes(form)).flatMap((form) => {
    const octets = inForm(content, form)
    const digests = made.get(octets) ?? algorithms.flatMap((algorithm) => wholeDigests(octets, algorithm, endings))
    made.set(octets, digests)
    return digests.map((one): CandidateDigest => ({ form, ...one, ...mark }))
  })
  return byPreference(found)
}

/** The content itself where the form is the same. */
function inForm(content: Uint8Array, form: DigestForm): Uint8Array {
  if (form === 'raw') return content
  const lineEnds = createLineEnds(form === 'canonical' ? 'everywhere' : 'header')
  const from = lineEnds.done ? content.length : lineEnds.firstChange(content)
  const parts = [content.subarray(0, from)]
  if (from < content.length) lineEnds.push(content.subarray(from), (octets) => parts.push(Uint8Array.from(octets)))
  if (lineEnds.lacksLineFeed) parts.push(LINE_FEED)
  return parts.length === 1 ? content : Buffer.concat(parts)
}

function wholeDigests(octets: Uint8Array, algorithm: DigestName, endings: boolean): Omit<CandidateDigest, 'form'>[] {
  const asIs = { ending: 'as-is' as const, algorithm, digest: digestOf(algorithm, octets) }
  if (!endings) return [asIs]
  const size = octets.length
  const endsInCrlf = size >= 2 && octets[size - 2] === 13 && octets[size - 1] === 10
  return [
    { ending: 'crlf-added' as const, algorithm, digest: digestOf(algorithm, Buffer.concat([octets, CRLF])) },
    asIs,
    ...(endsInCrlf ? [{ ending: 'crlf-removed' as const, algorithm, digest: digestOf(algorithm, octets.subarray(0, -2)) }] : []),
  ]
}

function byPreference(found: readonly CandidateDigest[]): CandidateDigest[] {
  return [...found.filter(({ ending }) => ending === 'as-is'), ...found.filter(({ ending }) => ending !== 'as-is')]
}

/** Of a content of any size. */
export function createRunningDigests({ algorithms, forms = DIGEST_FORMS, endings = true }: DigestSetOptions): LocalDigests {
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
      return byPreference(found)
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
