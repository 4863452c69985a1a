/** The one pair of channels between page and shell. */
import { z } from 'zod'
import { ClientFrame } from '../../shared/contract/wire.ts'

/** Page → shell, with an answer. */
export const TO_SHELL = 'waybill:call'
/** Shell → page: `event` frames. */
export const TO_PAGE = 'waybill:event'

/** What a page may send: the frames of the contract, and the path of a file that it was given. */
export const PageMessage = z.union([ClientFrame, z.object({ t: z.literal('grant'), path: z.string().min(1).max(4096) })])
export type PageMessage = z.infer<typeof PageMessage>
