/** FTPS: FTP over TLS. Plain FTP does not exist. */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { ConnectionLabel, ConnectTimeout, Host, IdleTimeout, PgpSettings, Port, ProxySettings, ReceiveSettings, SecretInput, TlsSettings, Verify, type SecretPlace } from './common.ts'

export const FtpsConnection = z
  .strictObject({
    id: Slug.default('ftps').meta({ title: 'Short name' }),
    label: ConnectionLabel,
    protocol: z.literal('ftps'),
    mode: z.enum(['explicit', 'implicit']).default('explicit').meta({ title: 'How TLS starts', description: 'explicit: AUTH TLS on port 21. implicit: TLS from the first byte, port 990.' }),
    host: Host.meta({ title: 'Server', examples: ['ftps.example.com'] }),
    port: Port.optional().meta({ title: 'Port', description: 'Left out: 21, or 990 for implicit TLS.' }),
    username: z.string().min(1).max(200).meta({ title: 'User name' }),
    password: SecretInput.meta({ title: 'Password', secret: true }),
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder there', description: 'Where our files are put; "." is the folder in which the server starts us.' }),
    tls: TlsSettings.prefault({}),
    passive: z.enum(['epsv', 'pasv']).default('epsv').meta({ title: 'Data connections', description: 'epsv falls back to pasv. The address in a PASV answer is never used.', advanced: true }),
    proxy: ProxySettings.optional(),
    maxConnections: z
      .number()
      .int()
      .min(1)
      .max(8)
      .optional()
      .meta({ title: 'Connections at once', description: 'As many as the partner permits. Left out: up to four while many files wait, and fewer where the server takes no more.', advanced: true }),
    verify: Verify,
    connectTimeoutSeconds: ConnectTimeout,
    idleTimeoutSeconds: IdleTimeout,
    receive: ReceiveSettings.optional(),
    pgp: PgpSettings.optional(),
  })
  .meta({ title: 'FTPS connection' })
export type FtpsConnection = z.infer<typeof FtpsConnection>

export const FTPS_SECRETS: readonly SecretPlace[] = [
  { path: ['password'], field: 'password' },
  { path: ['proxy', 'password'], field: 'proxyPassword' },
]

/** The port that holds when none is written. */
export function ftpsPort({ port, mode }: Pick<FtpsConnection, 'port' | 'mode'>): number {
  return port ?? (mode === 'implicit' ? 990 : 21)
}
