/** Pieces that several domains share. Times are UTC ISO-8601 with milliseconds; sizes are bytes. */
import { z } from 'zod'

/** A short name that people type: lower-case letters, digits, dot, dash, underscore. */
export const Slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'use lower-case letters, digits, dot, dash or underscore (at most 63)')
  .meta({ title: 'Short name', examples: ['acme'] })

/** UTC, `2026-11-24T09:30:00.000Z`. */
export const Timestamp = z.iso.datetime({ precision: 3 })
export type Timestamp = z.infer<typeof Timestamp>

/** A calendar day, `2027-01-31`. */
export const Day = z.iso.date()

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const Nothing = z.object({})

/** At most this many rows; every list takes it. */
export const Limit = z.number().int().min(1).max(1000).default(100)

/**
 * A file that the caller hands over. A window passes a `capability` (it never names paths);
 * the command line passes a `path`, absolute.
 */
export const FileSource = z.union([
  z.object({ capability: z.string().min(16).max(100) }),
  z.object({ path: z.string().min(1).max(4096) }),
])
export type FileSource = z.infer<typeof FileSource>

/** A fact to show: label and value, both already readable. */
export const Fact = z.object({ label: z.string(), value: z.string() })
export type Fact = z.infer<typeof Fact>

/** Whom to ask at a company. */
export const Contact = z.strictObject({
  name: z.string().min(1).max(200).meta({ title: 'Contact name' }),
  email: z.email().optional().meta({ title: 'E-mail' }),
  phone: z.string().max(60).optional().meta({ title: 'Phone' }),
  role: z.string().max(100).optional().meta({ title: 'Role' }),
})
