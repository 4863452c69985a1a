/**
 * The partner document: what `partner apply` reads and `partner show` prints, and the source of the published JSON Schema.
 * One declaration per setting: its schema, default, label and help; `secret` marks what is sealed and never shown.
 */
import { z } from 'zod'
import { Contact, Slug } from './common.ts'
import { Connection } from './connections/index.ts'
import { PolicyChange } from './policy-document.ts'
import { Exception } from './policy.ts'

export const PartnerDocument = z
  .strictObject({
    $schema: z.string().optional(),
    id: Slug,
    name: z.string().min(1).max(200).meta({ title: 'Name', examples: ['Acme GmbH'] }),
    notes: z.string().max(5000).optional().meta({ title: 'Notes' }),
    contacts: z.array(Contact).max(50).default([]).meta({ title: 'Contacts' }),
    limits: z
      .strictObject({
        maxFileBytes: z.number().int().positive().optional().meta({ title: 'Largest file (bytes)' }),
        maxConnections: z.number().int().min(1).max(16).optional().meta({ title: 'Connections at a time', description: 'SFTP and FTPS, over all its connections, sending and collecting. Left out: as many as each connection permits.' }),
        keepDays: z.number().int().min(1).max(3650).optional().meta({ title: 'Keep files for (days)', description: 'How long the content of exchanged files is kept by agreement. Left out: 90. Records are kept for ever.' }),
        extensions: z.array(z.string().regex(/^\.[a-z0-9]+$/i, 'write endings with their dot, like .edi')).max(50).optional().meta({ title: 'Permitted endings' }),
      })
      .prefault({})
      .meta({ title: 'Limits' }),
    leadDays: z.number().int().min(1).max(365).optional().meta({ title: 'Lead time (days)', description: 'How long before an expiry work with this partner must begin. Left out: 30.' }),
    inbox: z
      .string()
      .max(4096)
      .regex(/^(\/|[A-Za-z]:[\\/]|\\\\)/, 'write an absolute path')
      .optional()
      .meta({ title: 'Inbox', description: 'Folder of this computer in which received files appear. Left out: one in the workspace.' }),
    policy: PolicyChange.omit({ $schema: true }).optional().meta({ title: 'Policy', description: 'What differs from the policy for everyone.' }),
    exceptions: z.array(Exception).max(50).default([]).meta({ title: 'Exceptions' }),
    connections: z.array(Connection).min(1).max(20).meta({ title: 'Connections' }),
  })
  .superRefine((document, context) => {
    const seen = new Set<string>()
    for (const [index, connection] of document.connections.entries()) {
      if (seen.has(connection.id))
        context.addIssue({ code: 'custom', path: ['connections', index, 'id'], message: 'two connections have this short name' })
      seen.add(connection.id)
    }
    for (const [index, exception] of document.exceptions.entries()) {
      if (exception.connection !== undefined && !seen.has(exception.connection))
        context.addIssue({ code: 'custom', path: ['exceptions', index, 'connection'], message: 'no connection has this short name' })
    }
  })
  .meta({ title: 'Waybill partner', description: 'A company that we exchange files with, and the ways to reach it.' })
export type PartnerDocument = z.infer<typeof PartnerDocument>
