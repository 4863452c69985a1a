/**
 * How the contract is written down: every call is declared once as a procedure, every live message once as a topic.
 * The dispatcher, the clients and the tests derive their types from these declarations.
 */
import type { z } from 'zod'

/**
 * What a call does to the world; drives authorisation, auditing and confirmation.
 * `read` changes nothing, `write` changes our own records, `dangerous` reaches a partner or touches trust or secrets.
 */
export type Effect = 'read' | 'write' | 'dangerous'

/** One request with one answer. Input and output are JSON-safe: no Date, Map, bigint or bytes. */
export interface Procedure<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: 'procedure'
  readonly effect: Effect
  readonly input: Input
  readonly output: Output
  /** True when the call must work before a workspace is open (first run, unlocking, status). */
  readonly beforeOpen: boolean
}

/** A message that the core sends to every subscriber. */
export interface Topic<Payload extends z.ZodType = z.ZodType> {
  readonly kind: 'topic'
  readonly payload: Payload
}

/** Declares a call. Inputs are always objects, so that JSON and structured clone carry them alike. */
export function procedure<Input extends z.ZodType, Output extends z.ZodType>(
  effect: Effect,
  input: Input,
  output: Output,
  options: { readonly beforeOpen?: boolean } = {},
): Procedure<Input, Output> {
  return { kind: 'procedure', effect, input, output, beforeOpen: options.beforeOpen ?? false }
}

/** Declares a live message. */
export function topic<Payload extends z.ZodType>(payload: Payload): Topic<Payload> {
  return { kind: 'topic', payload }
}

/** A contract: domains, each with procedures and topics. */
export type ContractShape = Readonly<Record<string, Readonly<Record<string, Procedure | Topic>>>>

type ProceduresOf<Domain> = {
  [Name in keyof Domain as Domain[Name] extends Procedure ? Name : never]: Domain[Name]
}
type TopicsOf<Domain> = {
  [Name in keyof Domain as Domain[Name] extends Topic ? Name : never]: Domain[Name]
}

/** What a caller passes: defaults not yet filled in. */
export type InputOf<P> = P extends Procedure<infer I, z.ZodType> ? z.input<I> : never
/** What a handler receives: parsed, with defaults. */
export type ParsedInputOf<P> = P extends Procedure<infer I, z.ZodType> ? z.output<I> : never
/** What a caller gets back. */
export type OutputOf<P> = P extends Procedure<z.ZodType, infer O> ? z.output<O> : never
/** What a handler returns: before output validation. */
export type ReturnOf<P> = P extends Procedure<z.ZodType, infer O> ? z.input<O> : never
export type PayloadOf<T> = T extends Topic<infer S> ? z.output<S> : never

/** Implementations of every procedure of a contract; `Context` says who is asking. */
export type Handlers<C extends ContractShape, Context> = {
  readonly [D in keyof C]: {
    readonly [P in keyof ProceduresOf<C[D]>]: (
      input: ParsedInputOf<C[D][P]>,
      context: Context,
    ) => Promise<ReturnOf<C[D][P]>> | ReturnOf<C[D][P]>
  }
}

/** The part of AbortSignal that a caller uses to cancel; the contract knows neither browser nor Node types. */
export interface CancelSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The typed caller: `client.partners.list({})`, `client.deliveries.onChanged(listener)`. */
export type Client<C extends ContractShape> = {
  readonly [D in keyof C]: {
    readonly [P in keyof ProceduresOf<C[D]>]: (
      input: InputOf<C[D][P]>,
      options?: { readonly signal?: CancelSignal },
    ) => Promise<OutputOf<C[D][P]>>
  } & {
    readonly [T in keyof TopicsOf<C[D]> as `on${Capitalize<string & T>}`]: (
      listener: (payload: PayloadOf<C[D][T]>) => void,
    ) => () => void
  }
}

/** Every topic of a contract by its wire name (`deliveries.changed`) with its payload. */
export type TopicPayloads<C extends ContractShape> = {
  [K in {
    [D in keyof C & string]: `${D}.${keyof TopicsOf<C[D]> & string}`
  }[keyof C & string]]: K extends `${infer D}.${infer T}` ? PayloadOf<C[D][T]> : never
}
