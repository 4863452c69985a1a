/** The ways to reach a partner: one schema a protocol, each the only source of its form, documentation and defaults. */
import { z } from 'zod'
import { As2Connection, AS2_SECRETS } from './as2.ts'
import type { SecretPlace } from './common.ts'
import { FolderConnection } from './folder.ts'
import { FtpsConnection, FTPS_SECRETS } from './ftps.ts'
import { S3Connection, S3_SECRETS } from './s3.ts'
import { SftpConnection, SFTP_SECRETS } from './sftp.ts'

/** One way to reach a partner; `protocol` tells which. */
export const Connection = z.discriminatedUnion('protocol', [SftpConnection, FtpsConnection, S3Connection, FolderConnection, As2Connection])
export type Connection = z.infer<typeof Connection>

export type Protocol = Connection['protocol']
export const PROTOCOLS = ['as2', 'sftp', 'ftps', 's3', 'folder'] as const satisfies readonly Protocol[]

/** Connections whose partner offers a folder of files; AS2 exchanges messages instead. */
export type FileConnection = Exclude<Connection, As2Connection>

export const CONNECTION_SCHEMAS = { sftp: SftpConnection, ftps: FtpsConnection, s3: S3Connection, folder: FolderConnection, as2: As2Connection } as const

/** Where each protocol's connections hold secrets. */
export const CONNECTION_SECRETS: Readonly<Record<Protocol, readonly SecretPlace[]>> = {
  sftp: SFTP_SECRETS,
  ftps: FTPS_SECRETS,
  s3: S3_SECRETS,
  folder: [],
  as2: AS2_SECRETS,
}

export { As2Connection, FolderConnection, FtpsConnection, S3Connection, SftpConnection }
