/** What is agreed with a partner, and what is tolerated for a while. */
import { z } from 'zod'
import { Day, Slug } from './common.ts'

/** A weakness that can be tolerated; each names the algorithms that it adds. */
export const TOLERATED = {
  'ssh-rsa': 'Host keys and signatures of the old ssh-rsa kind (SHA-1)',
  'ssh-dss': 'DSA host keys (1024 bit)',
  'ssh-kex-sha1': 'Key exchange with SHA-1 (diffie-hellman-group14-sha1, group-exchange-sha1)',
  'ssh-cbc': 'Ciphers in CBC mode (aes128-cbc, aes256-cbc)',
  'ssh-hmac-sha1': 'Message authentication with SHA-1',
  'plain-http': 'HTTP without TLS to a server outside this computer',
  'cms-sha1': 'SHA-1 in signatures and receipts of AS2 messages',
  'cms-md5': 'MD5 in signatures of AS2 messages that we receive',
  'cms-3des': 'Triple DES as the cipher of AS2 messages',
  'rsa-1024': 'RSA keys from 1024 bit on',
  'certificate-expired': 'Signatures that verify with a certificate of the partner that has expired',
  'unsigned-receipt': 'Receipts without a signature where a signed one was asked for',
  'pgp-legacy': 'OpenPGP messages without integrity protection, and the ciphers CAST5 and Triple DES',
  'pgp-sha1': 'SHA-1 in OpenPGP signatures',
} as const

/** One weakness tolerated for one partner: with reason, owner and an end date (the last day on which it holds, UTC). */
export const Exception = z
  .strictObject({
    allow: z.enum(Object.keys(TOLERATED) as [keyof typeof TOLERATED, ...(keyof typeof TOLERATED)[]]).meta({ title: 'What is tolerated' }),
    connection: Slug.optional().meta({ title: 'Only for this connection' }),
    reason: z.string().min(5).max(500).meta({ title: 'Reason' }),
    owner: z.string().min(1).max(200).meta({ title: 'Who answers for it' }),
    until: Day.meta({ title: 'Last day' }),
  })
  .meta({ title: 'Exception' })
export type Exception = z.infer<typeof Exception>

/** An exception as it stands today. */
export const ExceptionState = Exception.extend({ active: z.boolean(), daysLeft: z.number().int() })
export type ExceptionState = z.infer<typeof ExceptionState>
