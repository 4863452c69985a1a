/**
 * The partner document: what `partner apply` reads and `partner show` prints, and the source of the published JSON Schema.
 * One declaration per setting: its schema, default, label and help; `secret` marks what is sealed and never shown.
 */
import { z } from 'zod'
import { Slug, Timestamp } from './common.ts'
import { Exception } from './policy.ts'

/**
 * A secret. Given as text, or as the name of a file or environment variable that holds it (read by the command line, on
 * the operator's computer). It is sealed at once; documents that Waybill prints say `{ "sealed": true }`, and applying
 * such a document keeps the sealed value.
 */
export const SecretInput = z
  .union([
    z.string().min(1).max(65_536),
    z.strictObject({ file: z.string().min(1).max(4096) }),
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
    z.strictObject({ sealed: z.literal(true) }),
  ])
  .meta({ secret: true })
export type SecretInput = z.infer<typeof SecretInput>

/** How we know that something is genuine. */
export const ProvenanceInput = z.strictObject({
  source: z.enum(['phone', 'mail', 'portal', 'in-person', 'partner-file', 'embedded', 'generated', 'other']).meta({ title: 'Where it came from' }),
  person: z.string().max(200).optional().meta({ title: 'Who confirmed it' }),
  at: Timestamp.optional(),
  note: z.string().max(1000).optional().meta({ title: 'Note' }),
})
export type ProvenanceInput = z.infer<typeof ProvenanceInput>

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
    host: z.string().min(1).max(253).regex(/^[A-Za-z0-9._:-]+$/, 'write a host name or an IP address').meta({ title: 'Server', examples: ['sftp.example.com'] }),
    port: z.number().int().min(1).max(65_535).default(22).meta({ title: 'Port' }),
    username: z.string().min(1).max(200).meta({ title: 'User name' }),
    auth: z.discriminatedUnion('method', [PasswordAuth, KeyAuth]).meta({ title: 'Sign-in' }),
    folder: z.string().min(1).max(1024).default('.').meta({ title: 'Folder there', description: 'Where our files are put; "." is the folder in which the server starts us.' }),
    hostKeys: z.array(HostKeyPin).max(20).optional().meta({ title: 'Pinned host keys', description: 'Left out: the pins stay as they are.' }),
    verify: z
      .enum(['auto', 'size', 'hash', 'read-back'])
      .default('auto')
      .meta({ title: 'Check after upload', description: 'auto: checksum on the server where it can, else size. read-back: download and compare.', advanced: true }),
    connectTimeoutSeconds: z.number().int().min(1).max(300).default(20).meta({ title: 'Connect time-out (s)', advanced: true }),
    idleTimeoutSeconds: z.number().int().min(5).max(3600).default(120).meta({ title: 'Idle time-out (s)', advanced: true }),
  })
  .meta({ title: 'SFTP connection' })
export type SftpConnection = z.infer<typeof SftpConnection>

/** One way to reach a partner; `protocol` tells which. */
export const Connection = z.discriminatedUnion('protocol', [SftpConnection])
export type Connection = z.infer<typeof Connection>

export const PartnerDocument = z
  .strictObject({
    $schema: z.string().optional(),
    id: Slug,
    name: z.string().min(1).max(200).meta({ title: 'Name', examples: ['Acme GmbH'] }),
    notes: z.string().max(5000).optional().meta({ title: 'Notes' }),
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
    limits: z
      .strictObject({
        maxFileBytes: z.number().int().positive().optional().meta({ title: 'Largest file (bytes)' }),
        extensions: z.array(z.string().regex(/^\.[a-z0-9]+$/i, 'write endings with their dot, like .edi')).max(50).optional().meta({ title: 'Permitted endings' }),
      })
      .default({})
      .meta({ title: 'Limits' }),
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
