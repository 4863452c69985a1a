/** SFTP: the host key is the trust anchor. */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { ConnectTimeout, Host, IdleTimeout, PgpSettings, Port, ProvenanceInput, ReceiveSettings, SecretInput, Verify, type SecretPlace } from './common.ts'

const HostKeyText = z
  .string()
  .regex(/^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh-|ecdsa-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?)$/, 'write SHA256:… as OpenSSH prints it, or one public key line')

/** A pinned host key: its fingerprint or its public key line, and how we know it. */
export const HostKeyPin = z.union([
  HostKeyText,
  z.strictObject({ key: HostKeyText, provenance: ProvenanceInput.optional() }),
])
export type HostKeyPin = z.infer<typeof HostKeyPin>

const PasswordAuth = z.strictObject({
  method: z.literal('password'),
  password: SecretInput.meta({ title: 'Password', secret: true }),
})

const KeyAuth = z
  .strictObject({
    method: z.literal('key'),
    privateKey: SecretInput.optional().meta({ title: 'Private key', description: 'OpenSSH or PEM text, or the file that holds it.', secret: true }),
    passphrase: SecretInput.optional().meta({ title: 'Passphrase of the key', secret: true }),
    item: z.string().optional().meta({ title: 'Key from the inventory', description: 'The id of an SSH client key that is in the inventory already.' }),
  })
  .refine((auth) => (auth.privateKey === undefined) !== (auth.item === undefined), {
    message: 'give either privateKey or item',
    path: ['privateKey'],
  })

export const SftpConnection = z
  .strictObject({
    id: Slug.default('sftp').meta({ title: 'Short name' }),
    protocol: z.literal('sftp'),
    host: Host.meta({ title: 'Server', examples: ['sftp.example.com'] }),
    port: Port.default(22).meta({ title: 'Port' }),
    username: z.string().min(1).max(200).meta({ title: 'User name' }),
    auth: z.discriminatedUnion('method', [PasswordAuth, KeyAuth]).meta({ title: 'Sign-in' }),
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder there', description: 'Where our files are put; "." is the folder in which the server starts us.' }),
    hostKeys: z.array(HostKeyPin).max(20).optional().meta({ title: 'Pinned host keys', description: 'Left out: the pins stay as they are.' }),
    verify: Verify,
    connectTimeoutSeconds: ConnectTimeout,
    idleTimeoutSeconds: IdleTimeout,
    receive: ReceiveSettings.optional(),
    pgp: PgpSettings.optional(),
  })
  .meta({ title: 'SFTP connection' })
export type SftpConnection = z.infer<typeof SftpConnection>

/** The private key and its passphrase are not here: a key becomes an item of the inventory. */
export const SFTP_SECRETS: readonly SecretPlace[] = [{ path: ['auth', 'password'], field: 'password' }]
