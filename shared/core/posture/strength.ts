/** How strong a negotiated algorithm is, coarsely: enough to notice a step down. Pure. */
import type { Aspect } from './observations.ts'

/** 0 broken, 1 deprecated, 2 acceptable, 3 modern; null when nothing can be said. */
export type Strength = 0 | 1 | 2 | 3

type Ladder = readonly (readonly [pattern: RegExp, strength: Strength])[]

/** First match decides. RFC 9142 (SSH key exchange), RFC 8996 (TLS), RFC 9325 (TLS suites), NIST SP 800-131A Rev. 2, RFC 9580. */
const LADDERS: Partial<Readonly<Record<Aspect, Ladder>>> = {
  'ssh.kex': [[/group1-sha1/, 0], [/sha1/, 1], [/group14-sha256|nistp|exchange-sha256/, 2], [/curve25519|group1[68]|sntrup|mlkem/, 3]],
  'ssh.cipher': [[/arcfour|3des|blowfish|cast128/, 0], [/-cbc/, 1], [/-ctr/, 2], [/gcm|chacha20/, 3]],
  'ssh.mac': [[/md5/, 0], [/sha1/, 1], [/umac-64/, 1], [/^implicit$|etm/, 3], [/sha2|umac-128/, 2]],
  'ssh.host-key-algorithm': [[/dss/, 0], [/^ssh-rsa(-cert|$)/, 1], [/rsa-sha2|ecdsa/, 2], [/ed25519/, 3]],
  'tls.version': [[/SSL/i, 0], [/TLSv1(\.[01])?$/, 1], [/TLSv1\.2/, 2], [/TLSv1\.3/, 3]],
  // Names of OpenSSL and of the registry alike. Without an ephemeral exchange whoever gets the key later reads everything.
  'tls.cipher': [[/NULL|EXPORT|RC4|DES|anon|MD5/i, 0], [/^TLS_(AES|CHACHA20)_/, 3], [/^(AES|CAMELLIA|ARIA|TLS_(RSA|DH|ECDH)_)/i, 1], [/GCM|CHACHA|CCM/i, 3], [/^(TLS_)?(ECDHE|DHE)/, 2]],
  'as2.received-digest': [[/^no$/, 0], [/md5/i, 0], [/sha-?1$/i, 1], [/sha/i, 3]],
  'as2.received-cipher': [[/^no$/, 0], [/rc2|^des-(?!ede3)/i, 0], [/des/i, 1], [/cbc/i, 2], [/gcm/i, 3]],
  'as2.receipt-signed': [[/^no$/, 0], [/^yes$/, 3]],
  'as2.receipt-mic': [[/md5/, 0], [/sha-?1$/, 1], [/sha/, 3]],
  'pgp.cipher': [[/^none$/, 0], [/idea|cast|3des|tripledes|blowfish/i, 1], [/aes|twofish|camellia/i, 3]],
  'pgp.packet': [[/^sed$/, 0], [/^seipd-v1$/, 2], [/^(seipd-v2|aead)$/, 3]],
  'pgp.signer': [[/^nobody$/, 0], [/./, 3]],
  'pgp.hash': [[/md5/i, 0], [/sha-?1$|ripemd/i, 1], [/sha/i, 3]],
}

export function strengthOf(aspect: Aspect, value: string): Strength | null {
  // Where both directions differ, the weaker one counts.
  const parts = value.split(' / ').map((part) => LADDERS[aspect]?.find(([pattern]) => pattern.test(part))?.[1] ?? null)
  const known = parts.filter((part) => part !== null)
  return known.length === 0 ? null : (Math.min(...known) as Strength)
}

export const COMPARED_ASPECTS: readonly Aspect[] = Object.keys(LADDERS) as Aspect[]
