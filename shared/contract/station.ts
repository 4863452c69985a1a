/** Our own identity. */
import { z } from 'zod'
import { Nothing } from './common.ts'
import { procedure, topic } from './define.ts'

/** The document of `station apply`. */
export const StationDocument = z
  .strictObject({
    $schema: z.string().optional(),
    name: z.string().min(1).max(200).meta({ title: 'Company name', examples: ['Example Trading Ltd'] }),
    contacts: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200),
          email: z.email().optional(),
          phone: z.string().max(60).optional(),
          role: z.string().max(100).optional(),
        }),
      )
      .max(50)
      .default([])
      .meta({ title: 'Contacts' }),
    timeZone: z.string().max(60).optional().meta({ title: 'Time zone', examples: ['Europe/Berlin'] }),
  })
  .meta({ title: 'Waybill station', description: 'Our own identity towards every partner.' })
export type StationDocument = z.infer<typeof StationDocument>

export const station = {
  /** Null until a station was applied. */
  show: procedure('read', Nothing, z.object({ station: StationDocument.nullable() })),
  apply: procedure('write', z.object({ document: z.unknown().optional() }), z.object({ station: StationDocument, changed: z.boolean() })),
  changed: topic(StationDocument),
} as const
