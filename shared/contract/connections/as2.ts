/** AS2: signed, encrypted messages with receipts (RFC 4130 as renewed by draft-ietf-ediint-rfc4130bis). */
import { z } from 'zod'
import { Slug } from '../common.ts'
import { CertificatePin, ConnectionLabel, ConnectTimeout, ProxySettings, SecretInput, TlsSettings, type SecretPlace } from './common.ts'

/** RFC 4130 §6.2: 1 to 128 printable ASCII characters, case-sensitive; quoting is done by us. */
export const As2Id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x20-\x7e]+$/, 'use printable ASCII characters only')
  .refine((id) => id.trim() === id, 'no space at the beginning or the end')

/** An address for AS2 over HTTP, without credentials in it. */
export const As2Url = z
  .url({ protocol: /^https?$/ })
  .max(1000)
  .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?(\?[^#\s]*)?$/i, 'write the address alone; credentials have fields of their own')

export const As2Connection = z
  .strictObject({
    id: Slug.default('as2').meta({ title: 'Short name' }),
    label: ConnectionLabel,
    protocol: z.literal('as2'),
    as2Id: As2Id.meta({ title: 'Their AS2 identifier' }),
    url: As2Url.optional().meta({ title: 'Their address', description: 'Left out for a partner from whom we only receive.', examples: ['https://as2.example.com/as2'] }),
    ourAs2Id: As2Id.optional().meta({ title: 'Our AS2 identifier', description: 'Left out: that of the station.', advanced: true }),
    message: z
      .strictObject({
        sign: z.boolean().default(true).meta({ title: 'Sign' }),
        encrypt: z.boolean().default(true).meta({ title: 'Encrypt' }),
        compress: z.enum(['none', 'before-signing', 'after-signing']).default('none').meta({ title: 'Compress' }),
        digest: z.enum(['sha256', 'sha384', 'sha512', 'sha1']).default('sha256').meta({ title: 'Digest', description: 'sha1 needs a dated exception.' }),
        signature: z.enum(['rsa-pkcs1', 'rsa-pss']).default('rsa-pkcs1').meta({ title: 'RSA signature', advanced: true }),
        cipher: z
          .enum(['aes-256-cbc', 'aes-192-cbc', 'aes-128-cbc', 'aes-256-gcm', 'aes-192-gcm', 'aes-128-gcm', 'des-ede3-cbc'])
          .default('aes-256-cbc')
          .meta({ title: 'Cipher', description: 'GCM once the partner has confirmed it; des-ede3-cbc needs a dated exception.' }),
        keyTransport: z.enum(['rsaes-pkcs1', 'rsaes-oaep-sha256', 'rsaes-oaep-sha512', 'rsaes-oaep-sha1']).default('rsaes-pkcs1').meta({ title: 'Key transport', advanced: true }),
        together: z.boolean().default(false).meta({ title: 'Files sent together in one message', description: 'As attachments (RFC 6362), when several are sent at once. Off: a message for each file, which every product takes.' }),
        copyToSelf: z.boolean().default(false).meta({ title: 'Also encrypt to our own certificate', description: 'So that our own message can be opened in a dispute.', advanced: true }),
        contentType: z.string().max(120).regex(/^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+$/, 'write a media type, like application/edi-x12').optional().meta({ title: 'Content type', description: 'Left out: by the file\'s ending.', advanced: true }),
        subject: z.string().max(200).regex(/^[\x20-\x7e]*$/, 'use printable ASCII characters only').optional().meta({ title: 'Subject', advanced: true }),
      })
      .prefault({})
      .meta({ title: 'What we send' }),
    receipt: z
      .strictObject({
        request: z.enum(['signed', 'unsigned', 'none']).default('signed').meta({ title: 'Receipt (MDN)' }),
        mode: z.enum(['sync', 'async']).default('sync').meta({ title: 'How it comes back', description: 'async: the partner posts it to our receiver, which must be reachable for it.' }),
        url: As2Url.optional().meta({ title: 'Our address for receipts', description: 'Left out: that of the station.', advanced: true }),
        warnAfterMinutes: z.number().int().min(1).max(10_080).default(30).meta({ title: 'Overdue after (min)', advanced: true }),
        failAfterHours: z.number().int().min(1).max(720).default(24).meta({ title: 'Given up after (h)', description: 'A later receipt still closes the delivery.', advanced: true }),
      })
      .prefault({})
      .meta({ title: 'Receipts' }),
    inbound: z
      .strictObject({
        requireSigned: z.boolean().default(true).meta({ title: 'Must be signed' }),
        requireEncrypted: z.boolean().default(true).meta({ title: 'Must be encrypted' }),
        username: z.string().min(1).max(200).regex(/^[^:]+$/, 'no colon').optional().meta({ title: 'Their user name (HTTP basic)', description: 'What their product must name when it posts to us.', advanced: true }),
        password: SecretInput.optional().meta({ title: 'Their password', secret: true, advanced: true }),
        requireClientCertificate: z.boolean().default(false).meta({ title: 'Must show a TLS client certificate', description: 'One that is bound to the connection in the role tls-caller; our receiver must do HTTPS itself.', advanced: true }),
        clientCertificates: z.array(CertificatePin).max(10).optional().meta({ title: 'Their TLS client certificates', description: 'Fingerprints or PEM; they become items in the role tls-caller, and one of them must be shown. Left out: the bound ones stay.', advanced: true }),
        receiptUrl: As2Url.optional().meta({ title: 'Their address for receipts', description: 'Asynchronous receipts go there and nowhere else, whatever a message asks for.' }),
        maxBytes: z.number().int().positive().default(2_147_483_648).meta({ title: 'Largest message (bytes)', advanced: true }),
        maxParallel: z.number().int().min(1).max(64).default(4).meta({ title: 'Messages at a time', advanced: true }),
      })
      .prefault({})
      .meta({ title: 'What we receive' }),
    http: z
      .strictObject({
        username: z.string().min(1).max(200).optional().meta({ title: 'User name (HTTP basic)' }),
        password: SecretInput.optional().meta({ title: 'Password', secret: true }),
        proxy: ProxySettings.optional(),
        chunked: z.boolean().default(false).meta({ title: 'Chunked transfer', description: 'Off: Content-Length, which every product takes.' }),
      })
      .prefault({})
      .meta({ title: 'HTTP', advanced: true }),
    quirks: z
      .strictObject({
        base64Signature: z.boolean().default(true).meta({ title: 'Signature part in Base64', description: 'Some products read no binary signature part.' }),
        oldDigestNames: z.boolean().default(false).meta({ title: 'Old digest names (sha256 instead of sha-256)' }),
        algorithmProtection: z.boolean().default(false).meta({ title: 'CMS algorithm protection attribute' }),
        plainFileName: z.boolean().default(false).meta({ title: 'File name without quotes' }),
        omitFileName: z.boolean().default(false).meta({ title: 'No file name' }),
        compressedOnlyMic: z.enum(['with-headers', 'without-headers']).default('with-headers').meta({ title: 'MIC of messages that are compressed only' }),
        unsignedMicDigest: z.enum(['sha256', 'sha1']).default('sha256').meta({ title: 'MIC of unsigned messages when none is asked for' }),
      })
      .prefault({})
      .meta({ title: 'Quirks of their product', advanced: true }),
    tls: TlsSettings.prefault({}),
    maxConnections: z.number().int().min(1).max(16).default(4).meta({ title: 'Messages at once', description: 'How many we send side by side.', advanced: true }),
    connectTimeoutSeconds: ConnectTimeout,
    idleTimeoutSeconds: z.number().int().min(5).max(7200).default(120).meta({ title: 'Wait for an answer (s)', description: 'Counted anew with every byte that comes.', advanced: true }),
    retry: z
      .strictObject({ giveUpAfterHours: z.number().int().min(1).max(168).default(24).meta({ title: 'Try for (h)' }) })
      .prefault({})
      .meta({ title: 'Retry', advanced: true }),
  })
  .meta({ title: 'AS2 connection' })
export type As2Connection = z.infer<typeof As2Connection>

/** Whether callers have to show a certificate: by the switch, or by a list that was stored before there were bindings for it. */
export function demandsCertificate({ inbound }: As2Connection): boolean {
  return inbound.requireClientCertificate || (inbound.clientCertificates ?? []).length > 0
}

export const AS2_SECRETS: readonly SecretPlace[] = [
  { path: ['http', 'password'], field: 'password' },
  { path: ['http', 'proxy', 'password'], field: 'proxyPassword' },
  { path: ['inbound', 'password'], field: 'inboundPassword' },
]
