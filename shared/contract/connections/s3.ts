/** S3-compatible buckets: bucket and prefix are the boundary. */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { ConnectionLabel, ConnectTimeout, IdleTimeout, PgpSettings, ProxySettings, ReceiveSettings, SecretInput, TlsSettings, Verify, type SecretPlace } from './common.ts'

const StaticCredentials = z.strictObject({
  kind: z.literal('static'),
  accessKeyId: z.string().min(1).max(256).meta({ title: 'Access key id' }),
  secretAccessKey: SecretInput.meta({ title: 'Secret access key', secret: true }),
  sessionToken: SecretInput.optional().meta({ title: 'Session token', secret: true, advanced: true }),
})

const ProfileCredentials = z.strictObject({
  kind: z.literal('profile'),
  profile: z.string().min(1).max(200).meta({ title: 'Profile', description: 'A profile of the AWS configuration of this computer.' }),
})

const Prefix = z
  .string()
  .max(900)
  .refine((prefix) => prefix === '' || (prefix.endsWith('/') && !prefix.startsWith('/')), 'end the prefix with a slash and do not begin with one, like acme/in/')
  .refine((prefix) => !prefix.split('/').slice(0, -1).some((part) => part === '' || part === '.' || part === '..'), 'empty parts, "." and ".." are not permitted in a prefix')

export const S3Connection = z
  .strictObject({
    id: Slug.default('s3').meta({ title: 'Short name' }),
    label: ConnectionLabel,
    protocol: z.literal('s3'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/i, 'write the address alone, without credentials')
      .optional()
      .meta({ title: 'Endpoint', description: 'Left out: Amazon S3 of the region.', examples: ['https://s3.example.com'] }),
    region: z.string().min(1).max(60).default('us-east-1').meta({ title: 'Region' }),
    bucket: z.string().min(3).max(63).regex(/^[A-Za-z0-9][A-Za-z0-9._-]+$/, 'write the name of the bucket').meta({ title: 'Bucket' }),
    prefix: Prefix.default('').meta({ title: 'Prefix', description: 'The part of the bucket that is shared with this partner. No call of Waybill leaves it.' }),
    pathStyle: z.boolean().default(true).meta({ title: 'Bucket in the path', advanced: true }),
    credentials: z.discriminatedUnion('kind', [StaticCredentials, ProfileCredentials]).meta({ title: 'Credentials' }),
    folder: z.string().min(1).max(900).default('.').meta({ title: 'Folder below the prefix', description: 'Where our files are put.' }),
    checksums: z
      .enum(['when-required', 'when-supported'])
      .default('when-required')
      .meta({ title: 'Checksums of the SDK', description: 'when-supported is what Amazon wants; other stores often refuse it.', advanced: true }),
    partMiB: z.number().int().min(5).max(512).default(8).meta({ title: 'Part size (MiB)', advanced: true }),
    encryption: z.enum(['none', 'AES256', 'aws:kms']).default('none').meta({ title: 'Encryption at rest', advanced: true }),
    kmsKey: z.string().max(2048).optional().meta({ title: 'KMS key', advanced: true, when: { encryption: ['aws:kms'] } }),
    doneMarker: z.string().min(1).max(64).optional().meta({ title: 'Marker ending', description: 'With .done, an empty object NAME.done is written after each file.', advanced: true }),
    objectsStay: z
      .boolean()
      .default(false)
      .meta({
        title: 'Objects stay where they are',
        description: 'Only where nobody removes, moves or renames what we put within a day: each small file then takes one request instead of three. After a break, an object that is not there counts as not delivered and is sent again, so that a partner who had taken it away would get it twice.',
        advanced: true,
      }),
    tls: TlsSettings.prefault({}),
    proxy: ProxySettings.optional(),
    maxConnections: z.number().int().min(1).max(16).default(8).meta({ title: 'Files at once', description: 'Small files go side by side; a large one goes in parts.', advanced: true }),
    verify: Verify,
    connectTimeoutSeconds: ConnectTimeout,
    idleTimeoutSeconds: IdleTimeout,
    receive: ReceiveSettings.optional(),
    pgp: PgpSettings.optional(),
  })
  .meta({ title: 'S3 connection' })
export type S3Connection = z.infer<typeof S3Connection>

export const S3_SECRETS: readonly SecretPlace[] = [
  { path: ['credentials', 'secretAccessKey'], field: 'secretAccessKey' },
  { path: ['credentials', 'sessionToken'], field: 'sessionToken' },
  { path: ['proxy', 'password'], field: 'proxyPassword' },
]
