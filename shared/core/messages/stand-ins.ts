/**
 * Certificates with the private keys that we do not have: the same names, dates and kind of key as the partner's, another key pair.
 * With them our own library plays the partner's part.
 */
import type { KeyObject } from 'node:crypto'
import { generateSelfSigned, type Certificate } from '../crypto/x509/index.ts'

export interface StandIn {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
}

export type StandIns = ReturnType<typeof createStandIns>

/** Making one takes a moment, so they are kept; never longer than the process. */
const MOST_KEPT = 50
const DAY_MS = 86_400_000

export function createStandIns() {
  const kept = new Map<string, Promise<StandIn>>()
  const make = async ({ commonName, notBefore, notAfter, keyType, keyBits }: Certificate): Promise<StandIn> =>
    await generateSelfSigned({
      subject: { commonName: (commonName ?? 'Stand-in').slice(0, 64) || 'Stand-in' },
      key: keyType === 'ec' ? 'ec-p256' : (keyBits ?? 0) > 3072 ? 'rsa-4096' : (keyBits ?? 0) > 2048 ? 'rsa-3072' : 'rsa-2048',
      notBefore,
      validDays: (notAfter.getTime() - notBefore.getTime()) / DAY_MS,
    })
  return {
    async of(certificate: Certificate): Promise<StandIn> {
      const key = certificate.fingerprintSha256
      const known = kept.get(key)
      if (known !== undefined) return await known
      const made = make(certificate)
      kept.set(key, made)
      made.catch(() => kept.delete(key))
      const [oldest] = kept.keys()
      if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
      return await made
    },
  }
}
