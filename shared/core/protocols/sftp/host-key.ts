/** Holds a presented host key against the pins: the trust anchor of SFTP. */
import type { PresentedHostKey } from '../../../contract/partners.ts'
import { describeBlob, type SshPublicKey } from '../../crypto/ssh/index.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Pin } from '../file-protocol.ts'

/** Judges the key blob that the server signed the key exchange with. */
export function judgeHostKey(blob: Buffer, pins: readonly Pin[]): PresentedHostKey {
  const key = describeBlob(blob)
  return {
    algorithm: key.algorithm,
    bits: key.bits,
    fingerprint: key.fingerprint,
    publicKey: key.publicKey,
    verdict: verdictOn(key, pins),
    expected: pins.map(({ algorithm, fingerprint }) => ({ algorithm, fingerprint })),
  }
}

function verdictOn(key: SshPublicKey, pins: readonly Pin[]): PresentedHostKey['verdict'] {
  if (pins.length === 0) return 'unknown'
  // A SHA-256 fingerprint fixes the key; where the whole key is pinned it is compared too.
  if (pins.some((pin) => pin.fingerprint === key.fingerprint && (pin.publicKey === null || pin.publicKey === key.publicKey))) return 'pinned'
  return pins.some((pin) => pin.algorithm === key.algorithm || pin.algorithm === 'unknown') ? 'changed' : 'other-algorithm'
}

const REFUSALS = { unknown: 'sftp.host_key_unknown', changed: 'sftp.host_key_changed', 'other-algorithm': 'sftp.host_key_other_algorithm' } as const

/** Why a key is refused, with what was presented and what was expected; null when it is pinned. */
export function refusalOf(presented: PresentedHostKey): AppError | null {
  if (presented.verdict === 'pinned') return null
  const expected = presented.expected.map(({ algorithm, fingerprint }) => `${fingerprint} (${algorithm})`).join(', ')
  return new AppError(REFUSALS[presented.verdict], `the server presented ${presented.fingerprint} (${presented.algorithm}); ${expected === '' ? 'none is pinned' : `pinned: ${expected}`}`, {
    details: { presented: presented.fingerprint, algorithm: presented.algorithm, expected: expected === '' ? 'none' : expected, presentedKey: presented.publicKey },
  })
}
