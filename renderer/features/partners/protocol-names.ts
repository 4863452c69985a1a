import type { Protocol } from '../../../shared/contract/connections/index.ts'

export const PROTOCOL_NAMES: Readonly<Record<Protocol, string>> = { as2: 'AS2', sftp: 'SFTP', ftps: 'FTPS', s3: 'S3', folder: 'Folder' }
