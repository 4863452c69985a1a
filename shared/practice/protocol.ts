/** What parent and practice process tell each other, one JSON line each. */
import { z } from 'zod'

export const PRACTICE_AS2_ID = 'PRACTICE'

/** Its bucket, and the part of it that our credential reaches. */
export const PRACTICE_BUCKET = 'practice'
export const PRACTICE_PREFIX = 'shared/'
/** Where it offers files to us, below the folder in which we start. */
export const PRACTICE_OUT = 'out'

export const PracticeConfig = z.object({
  folder: z.string(),
  username: z.string(),
  password: z.string(),
  s3: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
})
export type PracticeConfig = z.infer<typeof PracticeConfig>

export const PracticeReady = z.object({
  port: z.number().int(),
  hostKey: z.string(),
  ftps: z.object({ port: z.number().int() }),
  s3: z.object({ port: z.number().int() }),
  /** What FTPS and S3 show, in PEM. */
  tlsCertificate: z.string(),
  /** Its AS2 server and its certificate in PEM. */
  as2: z.object({ port: z.number().int(), certificate: z.string() }),
})
export type PracticeReady = z.infer<typeof PracticeReady>

/** Who we are towards it; the certificate in PEM. */
export const PracticeUs = z.object({ as2Id: z.string(), certificate: z.string() })
export type PracticeUs = z.infer<typeof PracticeUs>

/** After the first line: requests, each answered by one line with its number. */
export const PracticeRequest = z.object({
  number: z.number().int(),
  know: PracticeUs.optional(),
  /** Content in Base64. */
  send: z.object({ url: z.string(), name: z.string(), content: z.string() }).optional(),
})
export type PracticeRequest = z.infer<typeof PracticeRequest>

export const PracticeSent = z.object({ messageId: z.string(), delivered: z.boolean(), disposition: z.string(), reasons: z.array(z.string()) })
export type PracticeSent = z.infer<typeof PracticeSent>

export const PracticeReply = z.object({ number: z.number().int(), sent: PracticeSent.optional(), problem: z.string().optional() })
export type PracticeReply = z.infer<typeof PracticeReply>
