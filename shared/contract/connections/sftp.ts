/** SFTP: the host key is the trust anchor. */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { ConnectionLabel, ConnectTimeout, Host, IdleTimeout, MaxConnections, PgpSettings, Port, ProvenanceInput, ProxySettings, ReceiveSettings, SecretInput, Verify, type SecretPlace } from './common.ts'

const HostKeyText = z
  .string()
  .regex(/^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh-|ecdsa-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?)$/, 'write SHA256:… as OpenSSH prints it, or one public key line')

/** A pinned host key: its fingerprint or its public key line, and how we know it. */
export const HostKeyPin = z.union([
  HostKeyText,
  z.strictObject({ key: HostKeyText, provenance: ProvenanceInput.optional() }),
])
export type HostKeyPin = z.infer<typeof HostKeyPin>

/** Public key lines only: an authority cannot be recognised by its fingerprint before it has signed something. */
const HostAuthority = z.union([
  HostKeyText.refine((text) => !text.startsWith('SHA256:'), 'write the public key line of the authority'),
  z.strictObject({ key: HostKeyText, provenance: ProvenanceInput.optional() }),
])

const PasswordAuth = z.strictObject({
  method: z.literal('password'),
  password: SecretInput.meta({ title: 'Password', description: 'Also the answer where the server asks for it by keyboard-interactive.', secret: true }),
})

/** Where the server asks for a key and a password. */
const BesidesKey = SecretInput.optional().meta({ title: 'Password besides the key', description: 'Only for servers that ask for both; it is sent once the key was accepted.', secret: true, advanced: true })

const KeyAuth = z
  .strictObject({
    method: z.literal('key'),
    privateKey: SecretInput.optional().meta({ title: 'Private key', description: 'OpenSSH, PEM or PuTTY (PPK) text, or the file that holds it.', secret: true }),
    passphrase: SecretInput.optional().meta({ title: 'Passphrase of the key', secret: true }),
    item: z.string().optional().meta({ title: 'Key from the inventory', description: 'The id of an SSH client key that is in the inventory already.' }),
    password: BesidesKey,
  })
  .refine((auth) => (auth.privateKey === undefined) !== (auth.item === undefined), {
    message: 'give either privateKey or item',
    path: ['privateKey'],
  })

const AgentAuth = z.strictObject({
  method: z.literal('agent'),
  key: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'write SHA256:… as `ssh-add -l` prints it')
    .optional()
    .meta({ title: 'Key of the agent', description: 'SHA256:… as `ssh-add -l` prints it; left out: each key that the agent has, which some servers count as failed sign-ins.' }),
  password: BesidesKey,
})

const SignIn = z.discriminatedUnion('method', [PasswordAuth, KeyAuth, AgentAuth]).meta({ title: 'Sign-in', description: 'agent: the SSH agent of this computer (ssh-agent by SSH_AUTH_SOCK, Pageant on Windows) keeps the key.' })
export type SignIn = z.infer<typeof SignIn>

/** A server in between, which has an identity and a sign-in of its own. */
const JumpHost = z
  .strictObject({
    host: Host.meta({ title: 'Jump host', examples: ['bastion.example.com'] }),
    port: Port.default(22).meta({ title: 'Port' }),
    username: z.string().min(1).max(200).meta({ title: 'User name' }),
    auth: SignIn,
    hostKeys: z.array(HostKeyPin).max(20).optional().meta({ title: 'Pinned host keys of the jump host', description: 'Left out: the pins stay as they are.' }),
  })
  .meta({ title: 'Jump host', description: 'The connection goes through this SSH server.', ask: 'Go through a jump host', advanced: true })

export const SftpConnection = z
  .strictObject({
    id: Slug.default('sftp').meta({ title: 'Short name' }),
    label: ConnectionLabel,
    protocol: z.literal('sftp'),
    host: Host.meta({ title: 'Server', examples: ['sftp.example.com'] }),
    port: Port.default(22).meta({ title: 'Port' }),
    username: z.string().min(1).max(200).meta({ title: 'User name' }),
    auth: SignIn,
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder there', description: 'Where our files are put; "." is the folder in which the server starts us.' }),
    hostKeys: z.array(HostKeyPin).max(20).optional().meta({ title: 'Pinned host keys', description: 'Left out: the pins stay as they are.' }),
    hostAuthorities: z.array(HostAuthority).max(20).optional().meta({ title: 'Host certificate authorities', description: 'Public keys that sign the certificates of the partner\'s servers. Left out: they stay as they are.', advanced: true }),
    revokedHostKeys: z.array(HostKeyPin).max(100).optional().meta({ title: 'Revoked host keys', description: 'Never accepted, whoever vouches for them. Left out: they stay as they are.', advanced: true }),
    jump: JumpHost.optional(),
    proxy: ProxySettings.optional(),
    maxConnections: MaxConnections,
    verify: Verify,
    connectTimeoutSeconds: ConnectTimeout,
    idleTimeoutSeconds: IdleTimeout,
    receive: ReceiveSettings.optional(),
    pgp: PgpSettings.optional(),
  })
  .meta({ title: 'SFTP connection' })
export type SftpConnection = z.infer<typeof SftpConnection>

/** Private keys and their passphrases are not here: a key becomes an item of the inventory. */
export const SFTP_SECRETS: readonly SecretPlace[] = [
  { path: ['auth', 'password'], field: 'password' },
  { path: ['jump', 'auth', 'password'], field: 'jumpPassword' },
  { path: ['proxy', 'password'], field: 'proxyPassword' },
]
