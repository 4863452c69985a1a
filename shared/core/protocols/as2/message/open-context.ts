/** What is known while a message is being opened. */
import type { ByteSource, DigestName } from '../../../crypto/cms/index.ts'
import { readEnvelope, type Envelope } from './envelope.ts'
import { headerValue, type HeaderPair } from './header-fields.ts'
import type { MicCandidate } from './mic.ts'
import type { MessageLimits, MessageWarning, OpenedLayer, OpenPolicy, PayloadDescriptor, PayloadSink, PayloadStart, PayloadWriter } from './open-types.ts'
import { Refusal } from './refusal.ts'

export const MESSAGE_LIMITS: MessageLimits = {
  maxMimeDepth: 8,
  maxParts: 1000,
  maxBoundary: 200,
  maxPreamble: 64 * 1024,
  maxInflated: 4 * 1024 ** 3,
  maxInflateRatio: 1000,
  maxPayload: Number.MAX_SAFE_INTEGER,
}

export interface OpenContext {
  readonly envelope: Envelope
  readonly headers: readonly HeaderPair[]
  readonly policy: OpenPolicy
  readonly limits: MessageLimits
  readonly sink: PayloadSink
  readonly layers: OpenedLayer[]
  /** Layers that were entered, also while they are still open. */
  readonly entered: Set<OpenedLayer['kind']>
  readonly payloads: PayloadDescriptor[]
  readonly warnings: Set<MessageWarning>
  readonly micAlgorithm: DigestName
  /** The request named an algorithm that we know. */
  readonly micRequested: boolean
  mic: MicCandidate | undefined
  senderAuthenticated: boolean
  warn(warning: MessageWarning): void
}

/** Errors of the caller's body and sink: they are thrown to the caller, whatever else they caused. */
export interface ForeignErrors {
  error: { readonly thrown: unknown } | undefined
}

export function createContext(headers: readonly HeaderPair[], policy: OpenPolicy, sink: PayloadSink, foreign: ForeignErrors): OpenContext {
  const envelope = readEnvelope(headers)
  const requested = envelope.receipt.wanted ? envelope.receipt.micAlgorithms[0] : undefined
  const warnings = new Set<MessageWarning>()
  return {
    envelope,
    headers,
    policy,
    limits: { ...MESSAGE_LIMITS, ...policy.limits },
    sink: guardedSink(sink, foreign),
    layers: [],
    entered: new Set(),
    payloads: [],
    warnings,
    micAlgorithm: requested ?? policy.defaultMicAlgorithm ?? 'sha256',
    micRequested: requested !== undefined,
    mic: undefined,
    senderAuthenticated: policy.senderAuthenticated === true,
    warn: (warning) => void warnings.add(warning),
  }
}

/** Enters a layer where the order permits it: encryption outermost only, signature and compression once each (RFC 5402 2). */
export function enterLayer(context: OpenContext, kind: OpenedLayer['kind']): void {
  const { entered } = context
  if (entered.has(kind) || (kind === 'encrypted' && entered.size > 0)) {
    throw new Refusal('layers-not-permitted', `a ${kind} layer inside ${[...entered].join(', ')} is not permitted`)
  }
  entered.add(kind)
}

/** Remembers what the source throws, and ends when the sink has failed. */
export async function* guardedSource(source: ByteSource, foreign: ForeignErrors): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of source) {
      yield chunk
      if (foreign.error !== undefined) throw foreign.error.thrown
    }
  } catch (error) {
    foreign.error ??= { thrown: error }
    throw error
  }
}

function guardedSink(sink: PayloadSink, foreign: ForeignErrors): PayloadSink {
  const failed = (error: unknown): never => {
    foreign.error ??= { thrown: error }
    throw error
  }
  const guarded = (run: () => void | Promise<void>): void | Promise<void> => {
    try {
      const waiting = run()
      return waiting instanceof Promise ? waiting.catch(failed) : waiting
    } catch (error) {
      return failed(error)
    }
  }
  return {
    async begin(payload: PayloadStart): Promise<PayloadWriter> {
      const writer = await Promise.resolve()
        .then(() => sink.begin(payload))
        .catch(failed)
      return { write: (chunk) => guarded(() => writer.write(chunk)), end: () => guarded(() => writer.end()), ...(writer.digest === undefined ? {} : { digest: () => writer.digest?.() ?? '' }) }
    },
  }
}

/** The boundary parameter, or a refusal. */
export function boundaryOf(parameters: ReadonlyMap<string, string>): string {
  const boundary = parameters.get('boundary')
  if (boundary === undefined || boundary === '') throw new Refusal('malformed', 'a multipart has no boundary parameter')
  return boundary
}

export function contentTypeOf(fields: readonly HeaderPair[]): string | undefined {
  return headerValue(fields, 'content-type')
}
