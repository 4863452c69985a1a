/** The frames that every transport carries. One JSON document a frame; see `define.ts` for what they mean. */
import { z } from 'zod'
import { WireError } from './errors/index.ts'

/** Largest frame that a host accepts. Bytes of files never travel here. */
export const MAX_FRAME_BYTES = 1024 * 1024

/** Largest frame that a host sends: a list of 1000 rows must fit. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024

/** Stands where a request was so malformed that its own id could not be read. */
export const NO_ID = -1

/** What a client sends. */
export const ClientFrame = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('call'),
    id: z.number().int().nonnegative(),
    method: z.string().max(100),
    input: z.unknown().optional(),
  }),
  z.object({ t: z.literal('cancel'), id: z.number().int().nonnegative() }),
  z.object({ t: z.literal('subscribe'), topic: z.string().max(100) }),
  z.object({ t: z.literal('unsubscribe'), topic: z.string().max(100) }),
  /** Asks for a sign of life; answered at once with `pong`. */
  z.object({ t: z.literal('ping') }),
])
export type ClientFrame = z.infer<typeof ClientFrame>

/** What the host sends. `seq` grows by one per topic and connection: a gap means messages were lost. */
export const HostFrame = z.discriminatedUnion('t', [
  z.object({ t: z.literal('ok'), id: z.number().int(), output: z.unknown().optional() }),
  z.object({ t: z.literal('error'), id: z.number().int(), error: WireError }),
  z.object({ t: z.literal('event'), topic: z.string(), seq: z.number().int(), payload: z.unknown().optional() }),
  z.object({ t: z.literal('pong') }),
])
export type HostFrame = z.infer<typeof HostFrame>
