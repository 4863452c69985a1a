/**
 * The one gate to the core. Every call of every host passes here: look up, size, parse, authorise, run, validate the
 * answer. What a handler returns is cut down to the output schema, so that a field added by accident does not leak.
 */
import type { z } from 'zod'
import type { ContractShape, Effect, Handlers, Procedure, Topic } from '../contract/define.ts'
import { issuesByField, issuesText, parseInput } from '../contract/issues.ts'
import { MAX_FRAME_BYTES } from '../contract/wire.ts'
import { actorText, type Actor } from '../core/kernel/actor.ts'
import type { CallContext } from '../core/kernel/call-context.ts'
import { AppError } from '../core/kernel/errors.ts'
import type { Logger } from '../core/kernel/logger.ts'
import { mayUse } from './authorise.ts'
import { findPathSource } from './path-sources.ts'

export interface Dispatcher {
  /** Runs `domain.name`. Rejects with an `AppError` only. */
  dispatch(method: string, input: unknown, actor: Actor, signal: AbortSignal): Promise<unknown>
  /** Live messages of `domain.name`, validated; throws an `AppError` when there is no such topic. Returns its unsubscribe. */
  subscribe(topic: string, actor: Actor, listener: (payload: unknown) => void): () => void
}

/** The part of the core's event bus that a dispatcher needs. */
export interface TopicSource {
  subscribe(topic: never, listener: (payload: unknown) => void): () => void
}

export interface DispatcherOptions<C extends ContractShape> {
  readonly contract: C
  /** One for every procedure; a missing one does not compile. */
  readonly handlers: Handlers<C, CallContext>
  readonly bus: TopicSource
  /** Why the workspace is not open (`workspace.missing`, `workspace.locked` …), or null when it is. */
  readonly whyClosed: () => AppError | null
  /** Default: `mayUse`. */
  readonly authorise?: (actor: Actor, effect: Effect, method: string) => boolean
  readonly logger: Logger
}

/** Builds the gate for a contract. */
export function createDispatcher<C extends ContractShape>(options: DispatcherOptions<C>): Dispatcher {
  const { contract, bus, logger } = options
  const authorise = options.authorise ?? mayUse

  function refuse(method: string, actor: Actor, reason: string): AppError {
    logger.log('warn', 'call refused', { method, actor: actorText(actor), reason })
    return new AppError('call.refused', reason)
  }

  async function run(method: string, input: unknown, context: CallContext): Promise<unknown> {
    const procedure = lookUp(contract, method, 'procedure')
    if (procedure === null) throw new AppError('call.unknown_method', `There is no call of the name given.`)
    if (!authorise(context.actor, procedure.effect, method))
      throw refuse(method, context.actor, `A ${context.actor.kind} may not make ${procedure.effect} calls.`)
    const parsed = parseCallInput(procedure, input)
    const path = context.actor.kind === 'window' ? findPathSource(procedure.input, parsed) : null
    if (path !== null) throw refuse(method, context.actor, `A window may not name files by path (${path}).`)
    const closed = procedure.beforeOpen ? null : options.whyClosed()
    if (closed !== null) throw closed
    context.signal.throwIfAborted()
    const output = await handlerOf(options.handlers, method)(parsed, context)
    const checked = procedure.output.safeParse(output)
    if (!checked.success)
      throw new Error(`The answer of ${method} does not fit its schema: ${checked.error.issues.map((issue) => issue.path.join('.')).join(', ')}`)
    return checked.data
  }

  function explain(method: string, error: unknown, signal: AbortSignal): AppError {
    if (error instanceof AppError && error.code !== 'internal.unexpected') return error
    if (signal.aborted) return new AppError('call.cancelled', 'The call was cancelled.')
    logger.log('error', 'call failed unexpectedly', { method: loggable(method), stack: stackOf(error) })
    // The text of an unknown error may hold anything: paths, addresses, secrets. It stays in the log.
    return new AppError('internal.unexpected', `${loggable(method)} failed; the log has the details.`)
  }

  return {
    async dispatch(method, input, actor, signal) {
      try {
        return await run(method, input, { actor, signal })
      } catch (error) {
        throw explain(method, error, signal)
      }
    },
    subscribe(topicName, actor, listener) {
      const topic = lookUp(contract, topicName, 'topic')
      if (topic === null) throw new AppError('call.unknown_method', 'There is no topic of the name given.')
      if (!authorise(actor, 'read', topicName)) throw refuse(topicName, actor, `A ${actor.kind} may not listen.`)
      return bus.subscribe(topicName as never, (payload) => {
        const checked = topic.payload.safeParse(payload)
        if (checked.success) listener(checked.data)
        else logger.log('error', 'a message does not fit its schema', { topic: topicName, fields: checked.error.issues.map((issue) => issue.path.join('.')).join(', ') })
      })
    },
  }
}

/** By own properties only: `__proto__.toString` and `constructor.name` are no calls. */
function lookUp<K extends 'procedure' | 'topic'>(contract: ContractShape, wireName: string, kind: K): (K extends 'procedure' ? Procedure : Topic) | null {
  const parts = wireName.split('.')
  const [domainName, name] = parts
  if (parts.length !== 2 || domainName === undefined || name === undefined || !Object.hasOwn(contract, domainName)) return null
  const domain = contract[domainName]
  if (domain === undefined || !Object.hasOwn(domain, name)) return null
  const member = domain[name]
  return member?.kind === kind ? (member as K extends 'procedure' ? Procedure : Topic) : null
}

type AnyHandler = (input: unknown, context: CallContext) => unknown

/** `method` was found in the contract, and the types guarantee a handler for each. */
function handlerOf(handlers: object, method: string): AnyHandler {
  const [domainName = '', name = ''] = method.split('.')
  const domain: unknown = Object.hasOwn(handlers, domainName) ? Reflect.get(handlers, domainName) : undefined
  const handler: unknown = typeof domain === 'object' && domain !== null ? Reflect.get(domain, name) : undefined
  if (typeof handler !== 'function') throw new Error(`There is no handler for ${method}.`)
  return (input, context) => (handler as AnyHandler).call(domain, input, context)
}

function parseCallInput(procedure: Procedure, input: unknown): unknown {
  if (sizeOf(input) > MAX_FRAME_BYTES) throw new AppError('call.too_large', `The request is larger than ${MAX_FRAME_BYTES} bytes.`)
  // A call without fields may be sent without input: JSON drops what is undefined.
  const parsed = parseInput(procedure.input satisfies z.ZodType, input ?? {})
  if (parsed.ok) return parsed.value
  throw new AppError('input.invalid', issuesText(parsed.issues), { details: issuesByField(parsed.issues) })
}

function sizeOf(input: unknown): number {
  if (input === undefined) return 0
  try {
    return Buffer.byteLength(JSON.stringify(input) ?? '')
  } catch {
    throw new AppError('input.invalid', 'The input cannot be written as JSON.')
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function loggable(method: string): string {
  return method.replaceAll(/[^\w.]/g, '?').slice(0, 100)
}
