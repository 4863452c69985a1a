/** The frames that every transport carries. One JSON document a frame; see `define.ts` for what they mean. */
import { z } from 'zod'
import { WireError } from './errors/index.ts'

/** Largest frame either side accepts. Bytes of files never travel here. */
export const MAX_FRAME_BYTES = 1024 * 1024

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
])
export type ClientFrame = z.infer<typeof ClientFrame>

/** What the host sends. `seq` grows by one per topic and connection: a gap means messages were lost. */
export const HostFrame = z.discriminatedUnion('t', [
  z.object({ t: z.literal('ok'), id: z.number().int(), output: z.unknown().optional() }),
  z.object({ t: z.literal('error'), id: z.number().int(), error: WireError }),
  z.object({ t: z.literal('event'), topic: z.string(), seq: z.number().int(), payload: z.unknown().optional() }),
])
export type HostFrame = z.infer<typeof HostFrame>
