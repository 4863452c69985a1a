/** What is agreed with a partner, and what is tolerated for a while. */
import { z } from 'zod'
import { Day, Slug, Timestamp } from './common.ts'

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
  'send-unsigned': 'What we send goes unsigned, though the policy wants it signed',
  'send-unencrypted': 'What we send goes without encryption of its own, though the policy wants it',
  'receive-unsigned': 'What we receive is taken unsigned, though the policy wants it signed',
  'receive-unencrypted': 'What we receive is taken without encryption of its own, though the policy wants it',
  'cms-policy': 'Sound algorithms of AS2 messages and receipts that the policy leaves out',
  'pgp-policy': 'Sound OpenPGP algorithms that the policy leaves out',
  'ssh-policy': 'Sound SSH algorithms that the policy leaves out',
  'tls-1.2': 'TLS 1.2 where the policy wants a later version',
  'tls-static-keys': 'TLS without forward secrecy',
  'rsa-2048': 'RSA keys from 2048 bit on where the policy wants larger ones',
  'unapproved-change': 'Changes of trust and policy that are not approved yet, in hardened mode; counts once the exception itself is approved',
} as const
export type Toleration = keyof typeof TOLERATED

/** What the policy checks on everything that is sent and received. Each is held by a test with traffic that breaks it. */
export const POLICY_RULES = {
  'approved': 'In hardened mode, trust and policy are as they were approved',
  'send-signed': 'What we send is signed',
  'send-encrypted': 'What we send is encrypted',
  'receive-signed': 'What we receive is signed',
  'receive-encrypted': 'What we receive is encrypted',
  'receipt-signed': 'Receipts are signed',
  'receipt-digest': 'Receipts are signed with a permitted digest',
  'sign-digest': 'Our messages are signed with a permitted digest',
  'sign-scheme': 'Our messages are signed in a permitted way',
  'sign-key': 'The key that signs our messages is large enough',
  'verify-digest': 'Their messages are signed with a permitted digest',
  'verify-scheme': 'Their messages are signed in a permitted way',
  'verify-key': 'The key that signs their messages is large enough',
  'verify-valid': 'The certificate that signs their messages has not expired',
  'encrypt-cipher': 'Our messages are encrypted with a permitted cipher',
  'encrypt-transport': 'The key of our messages travels in a permitted way',
  'encrypt-key': 'The key to which we encrypt is large enough',
  'decrypt-cipher': 'Their messages are encrypted with a permitted cipher',
  'decrypt-transport': 'The key of their messages travels in a permitted way',
  'decrypt-key': 'The key to which they encrypt is large enough',
  'transport-encrypted': 'The line is encrypted, or stays on this computer',
  'tls-version': 'The TLS version is late enough',
  'tls-forward-secrecy': 'TLS has forward secrecy',
  'tls-server-key': 'The key of the server\'s certificate is large enough',
  'tls-client-key': 'The key of our client certificate is large enough',
  'ssh-kex': 'The SSH key exchange is permitted',
  'ssh-cipher': 'The SSH cipher is permitted',
  'ssh-mac': 'The SSH message authentication is permitted',
  'ssh-host-key': 'The signature of the server\'s host key is permitted',
  'ssh-host-key-size': 'The server\'s host key is large enough',
  'ssh-client-key-size': 'Our SSH key is large enough',
  'pgp-sign-hash': 'Our OpenPGP signatures have a permitted hash',
  'pgp-sign-key': 'The OpenPGP key that signs for us is large enough',
  'pgp-verify-hash': 'Their OpenPGP signatures have a permitted hash',
  'pgp-verify-key': 'The OpenPGP key that signs for them is large enough',
  'pgp-encrypt-cipher': 'Our OpenPGP files are encrypted with a permitted cipher',
  'pgp-encrypt-key': 'The OpenPGP key to which we encrypt is large enough',
  'pgp-decrypt-cipher': 'Their OpenPGP files are encrypted with a permitted cipher',
  'pgp-decrypt-key': 'The OpenPGP key to which they encrypt is large enough',
  'pgp-integrity': 'Their OpenPGP files are protected against change',
} as const
export type PolicyRule = keyof typeof POLICY_RULES

/** One weakness tolerated for one partner: with reason, owner and an end date (the last day on which it holds, UTC). */
export const Exception = z
  .strictObject({
    allow: z.enum(Object.keys(TOLERATED) as [Toleration, ...Toleration[]]).meta({ title: 'What is tolerated' }),
    connection: Slug.optional().meta({ title: 'Only for this connection' }),
    reason: z.string().min(5).max(500).meta({ title: 'Reason' }),
    owner: z.string().min(1).max(200).meta({ title: 'Who answers for it' }),
    until: Day.meta({ title: 'Last day' }),
  })
  .meta({ title: 'Exception' })
export type Exception = z.infer<typeof Exception>

/** An exception as it stands today. */
export const ExceptionState = Exception.extend({
  active: z.boolean(),
  daysLeft: z.number().int(),
  /** Deliveries that relied on it, and the newest of them; null where nobody counts. */
  used: z.object({ deliveries: z.number().int(), lastAt: Timestamp.nullable(), lastDelivery: z.string().nullable() }).nullable().default(null),
})
export type ExceptionState = z.infer<typeof ExceptionState>

/** An exception on which one attempt relied, as it stood then. */
export const RelianceFact = z.object({
  allow: z.enum(Object.keys(TOLERATED) as [Toleration, ...Toleration[]]),
  rule: z.string(),
  /** What was used that only the exception permits. */
  seen: z.string(),
  reason: z.string(),
  owner: z.string(),
  until: Day,
})
export type RelianceFact = z.infer<typeof RelianceFact>
