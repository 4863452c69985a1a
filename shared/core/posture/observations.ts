/** What a delivery showed of the other side, split into aspects that can be compared over time. Pure. */
import type { Attempt, Receipt } from '../../contract/deliveries.ts'
import type { TrafficEntry } from '../deliveries/traffic.ts'

export const ASPECTS = [
  'ssh.kex', 'ssh.cipher', 'ssh.mac', 'ssh.host-key-algorithm', 'ssh.host-key', 'ssh.software', 'ssh.sign-in',
  'tls.version', 'tls.cipher', 'tls.certificate', 'tls.public-key', 'tls.issuer', 'tls.key-exchange', 'ftps.data-session',
  'as2.received-digest', 'as2.received-cipher', 'as2.received-signer', 'as2.receipt-signed', 'as2.receipt-signer', 'as2.receipt-mic',
  'pgp.cipher', 'pgp.packet', 'pgp.signer', 'pgp.hash',
  'way.jump-host', 'refused', 'reached', 'outage',
] as const
export type Aspect = (typeof ASPECTS)[number]

export interface Seen {
  readonly aspect: Aspect
  readonly value: string
  readonly at: string
}

/** Refusals that tell of a changed or unfit identity of the other side. */
const IDENTITY = ['sftp.host_key_changed', 'sftp.host_key_other_algorithm', 'sftp.host_key_revoked', 'sftp.host_certificate_refused', 'tls.certificate_changed', 'tls.certificate_unknown', 'tls.expired', 'tls.not_yet_valid', 'tls.wrong_name', 'as2.receipt_wrong_signer', 'as2.receipt_unsigned', 'as2.receipt_signature_invalid', 'as2.algorithm_refused', 'pgp.signer_unknown', 'pgp.weak_algorithm', 'pgp.no_integrity', 'pgp.key_expired']

const OF_ATTEMPT: Readonly<Record<string, Aspect>> = {
  kex: 'ssh.kex', mac: 'ssh.mac', hostKeySignature: 'ssh.host-key-algorithm', hostKeyFingerprint: 'ssh.host-key', authUsed: 'ssh.sign-in',
  tlsVersion: 'tls.version', serverCertificate: 'tls.certificate', serverPublicKey: 'tls.public-key', serverIssuer: 'tls.issuer', ephemeralKey: 'tls.key-exchange', dataSession: 'ftps.data-session',
  jumpHost: 'way.jump-host',
}

/** Values are cut: some come from the other side. */
const MOST_CHARACTERS = 300

/** Of one delivery with its attempts: what each showed, and what the receipt says. */
export function observationsOf({ delivery, attempts }: TrafficEntry): Seen[] {
  return [...attempts.flatMap(ofAttempt), ...(delivery.receipt === null ? [] : ofReceipt(delivery.receipt)), ...ofRefusal(delivery.error, delivery.updatedAt)].map((seen) => ({ ...seen, value: seen.value.slice(0, MOST_CHARACTERS) }))
}

function ofAttempt({ observed, startedAt, error }: TrafficEntry['attempts'][number]): Seen[] {
  const seen: Seen[] = []
  for (const [name, value] of Object.entries(observed)) {
    const aspect = OF_ATTEMPT[name]
    if (aspect !== undefined && value !== '') seen.push({ aspect, value, at: startedAt })
  }
  const isSsh = observed['kex'] !== undefined
  if (observed['cipher'] !== undefined && (isSsh || observed['tlsVersion'] !== undefined)) seen.push({ aspect: isSsh ? 'ssh.cipher' : 'tls.cipher', value: observed['cipher'], at: startedAt })
  if (isSsh && observed['serverSoftware'] !== undefined) seen.push({ aspect: 'ssh.software', value: observed['serverSoftware'], at: startedAt })
  return [...seen, ...ofRefusal(error, startedAt)]
}

function ofRefusal(error: Attempt['error'], at: string): Seen[] {
  if (error === null || !IDENTITY.includes(error.code)) return []
  return [{ aspect: 'refused', value: `${error.code} ${error.details?.['presented'] ?? ''}`.trim(), at }]
}

function ofReceipt(receipt: Receipt): Seen[] {
  const { at } = receipt
  if (receipt.kind === 'mdn') {
    if (receipt.mode === 'none') return []
    return [
      { aspect: 'as2.receipt-signed', value: receipt.signed ? 'yes' : 'no', at },
      ...(receipt.signer === null ? [] : [{ aspect: 'as2.receipt-signer' as const, value: receipt.signer, at }]),
      ...(receipt.micAlgorithm === null ? [] : [{ aspect: 'as2.receipt-mic' as const, value: receipt.micAlgorithm.toLowerCase(), at }]),
    ]
  }
  return receipt.kind === 'received' ? ofReceived(receipt.facts, at) : []
}

/** AS2 messages and OpenPGP files that came in: the facts of what was opened. */
function ofReceived(facts: Readonly<Record<string, string>>, at: string): Seen[] {
  const seen = (aspect: Aspect, value: string | undefined): Seen[] => (value === undefined || value === '' ? [] : [{ aspect, value, at }])
  const isMessage = facts['messageId'] !== undefined
  return [
    ...(isMessage ? [...seen('as2.received-digest', facts['signed']?.split(',')[0]), ...seen('as2.received-cipher', facts['encrypted']), ...seen('as2.received-signer', facts['signedBy'])] : []),
    ...seen('pgp.cipher', facts['pgpEncryption']?.split(', ')[0]),
    ...seen('pgp.packet', facts['pgpEncryption']?.split(', ')[1]),
    ...seen('pgp.signer', facts['pgpSignedBy']),
    ...seen('pgp.hash', facts['pgpSignatureHash']),
  ]
}
