/** A local or network share. */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { ConnectionLabel, PgpSettings, ReceiveSettings, Verify } from './common.ts'

export const FolderConnection = z
  .strictObject({
    id: Slug.default('folder').meta({ title: 'Short name' }),
    label: ConnectionLabel,
    protocol: z.literal('folder'),
    path: z
      .string()
      .min(1)
      .max(4096)
      .regex(/^(\/|[A-Za-z]:[\\/]|\\\\)/, 'write an absolute path')
      .meta({ title: 'Share', description: 'The folder that is shared with the partner. Waybill never leaves it.', examples: ['/mnt/acme'] }),
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder below it', description: 'Where our files are put.' }),
    verify: Verify,
    receive: ReceiveSettings.optional(),
    pgp: PgpSettings.optional(),
  })
  .meta({ title: 'Folder connection' })
export type FolderConnection = z.infer<typeof FolderConnection>
