/** The one pair of channels between page and shell. */
import { z } from 'zod'
import { ClientFrame } from '../../shared/contract/wire.ts'

/** Page → shell, with an answer. */
export const TO_SHELL = 'waybill:call'
/** Shell → page: `event` frames. */
export const TO_PAGE = 'waybill:event'

/** What a page may send: the frames of the contract, the path of a file that it was given, and the wish that a person chooses a folder. */
export const PageMessage = z.union([ClientFrame, z.object({ t: z.literal('grant'), path: z.string().min(1).max(4096) }), z.object({ t: z.literal('choose-folder'), at: z.string().max(4096).optional() })])
export type PageMessage = z.infer<typeof PageMessage>
