/** The many spellings of digest names in `micalg`, Disposition-Notification-Options and Received-Content-MIC. */
import type { DigestName } from '../../../crypto/cms/index.ts'

/** `standard`: sha-256 (RFC 5751), but sha1 without a hyphen (Drummond 3Q12). `old`: sha256, for products before them. */
export type MicSpelling = 'standard' | 'old'

const NAMES: Readonly<Record<string, DigestName>> = {
  md5: 'md5',
  sha: 'sha1',
  sha1: 'sha1',
  sha256: 'sha256',
  sha2256: 'sha256',
  sha384: 'sha384',
  sha2384: 'sha384',
  sha512: 'sha512',
  sha2512: 'sha512',
}

/** sha1 sha-1 SHA1 rsa-sha1 sha256 sha_256 sha2-256 rsa-md5 …; undefined when it is none that we know. */
export function readMicAlgorithm(name: string): DigestName | undefined {
  const plain = name.trim().replaceAll(/^"|"$/g, '').toLowerCase().replace(/^rsa[-_]/, '').replaceAll(/[-_\s]/g, '')
  return Object.hasOwn(NAMES, plain) ? NAMES[plain] : undefined
}

export function writeMicAlgorithm(name: DigestName, spelling: MicSpelling = 'standard'): string {
  if (spelling === 'old' || name === 'md5' || name === 'sha1') return name
  return name.replace('sha', 'sha-')
}
