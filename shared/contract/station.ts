/** Our own identity. */
import { z } from 'zod'
import { Contact, Nothing } from './common.ts'
import { As2Id, As2Url } from './connections/as2.ts'
import { procedure, topic } from './define.ts'

/** The document of `station apply`. */
export const StationDocument = z
  .strictObject({
    $schema: z.string().optional(),
    name: z.string().min(1).max(200).meta({ title: 'Company name', examples: ['Example Trading Ltd'] }),
    contacts: z.array(Contact).max(50).default([]).meta({ title: 'Contacts' }),
    as2: z
      .strictObject({
        id: As2Id.meta({ title: 'AS2 identifier', examples: ['EXAMPLE-TRADING'] }),
        url: As2Url.optional().meta({ title: 'Address of our receiver', description: 'As partners reach it from outside; asked for in asynchronous receipts.' }),
        email: z.email().optional().meta({ title: 'E-mail address', description: 'Named in messages; nobody needs to read it for the exchange to work.' }),
      })
      .optional()
      .meta({ title: 'AS2' }),
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
