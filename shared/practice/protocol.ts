/** What parent and practice process tell each other, one JSON line each. */
import { z } from 'zod'

export const PracticeConfig = z.object({ folder: z.string(), username: z.string(), password: z.string() })
export type PracticeConfig = z.infer<typeof PracticeConfig>

export const PracticeReady = z.object({ port: z.number().int(), hostKey: z.string() })
export type PracticeReady = z.infer<typeof PracticeReady>
