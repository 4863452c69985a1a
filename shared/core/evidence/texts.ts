/** What a stranger reads first. */
import type { DeliveryDetail, Receipt } from '../../contract/deliveries.ts'
import { NAMES } from './form.ts'

/** Nothing in it depends on the delivery: the rest of the bundle does. */
export function readmeText(): string {
  return `EVIDENCE OF ONE DELIVERY

This bundle tells the life of one file that was exchanged between two companies. Whoever sends it to you says: this is what our
records hold. You can check that it is whole and unchanged, and follow what was signed by the other side.

  ${NAMES.summary}         what happened, in words
  ${NAMES.delivery}       every try, what was negotiated, the receipt
  ${NAMES.records}       its records of the audit chain: each holds the hash of the one before it
  ${NAMES.anchor}         the head of that chain at the time of export, signed
  ${NAMES.certificates}   whose certificates these are, and how that is known
  as2/                the AS2 message and the receipt as they travelled, where AS2 was spoken
  content/            the file itself, where it was included
  travelled/          the file as it travelled, where it was protected
  ${NAMES.manifest}       all of these with size and SHA-256
  ${NAMES.signature}        the signature over ${NAMES.manifest} (Ed25519)
  ${NAMES.key}             the public key to check it with

TO CHECK IT WITH WAYBILL (no workspace is needed):

  waybill evidence verify THIS-FILE.zip --key SHA-256

TO CHECK IT BY HAND with OpenSSL 3 and ordinary tools:

  1. Is the list genuine?
       openssl pkeyutl -verify -pubin -inkey ${NAMES.key} -rawin -in ${NAMES.manifest} -sigfile ${NAMES.signature}
     Whose key is it? Ask its owner, over another channel, for its SHA-256, and compare:
       openssl pkey -pubin -in ${NAMES.key} -outform DER | openssl dgst -sha256
  2. Is each file the one in the list?   sha256sum FILE, and compare with ${NAMES.manifest}
  3. Is a record unchanged? Its "hash" is the SHA-256 of the canonical JSON (RFC 8785) of all its other fields.
  4. Did the other side sign the receipt (AS2)?
       openssl smime -verify -in as2/receipt.mdn -CAfile certificates/…pem -certfile certificates/…pem -partial_chain -purpose any
     "Received-Content-MIC" in it is the digest of what was signed; as2/message.json lists the digests that it may name.
  5. Did the sender sign this content (AS2)?
       openssl smime -verify -in as2/opened.mime -CAfile certificates/…pem -certfile certificates/…pem -partial_chain -purpose any

What it cannot show: that nothing else was exchanged. For that the whole chain can be exported, and held against anchors that were
kept elsewhere.
`
}

interface Names {
  readonly station: string | null
  readonly partner: string
}

/** In plain words, from the facts alone. */
export function summaryText({ delivery, attempts, exceptions }: DeliveryDetail, { station, partner }: Names): string {
  const us = station ?? 'we (no company name was given)'
  const outbound = delivery.direction === 'outbound'
  const lines = [
    `${delivery.fileName}, ${delivery.size} bytes, SHA-256 ${delivery.sha256}`,
    outbound ? `from ${us} to ${partner}, there under the name ${delivery.remoteName}` : `from ${partner}, where its name was ${delivery.remoteName}, to ${us}`,
    `written down on ${delivery.createdAt} as delivery ${delivery.id}; ${attempts.length} ${attempts.length === 1 ? 'try' : 'tries'}`,
    `state: ${STATES[delivery.state]}`,
    ...(delivery.wire === null ? [] : [`it travelled protected: ${delivery.wire.size} bytes, SHA-256 ${delivery.wire.sha256}`]),
    ...(delivery.receipt === null ? ['there is no receipt'] : receiptLines(delivery.receipt)),
    ...(delivery.duplicateReason === null ? [] : [`the same content had gone before; it was sent again because: ${delivery.duplicateReason}`]),
    ...exceptions.map(({ allow, reason, until }) => `it relied on an exception of the policy: ${allow}, because ${reason}, until ${until}`),
    ...(delivery.error === null ? [] : [`last problem: ${delivery.error.message} (${delivery.error.code})`]),
  ]
  return `${lines.join('\n')}\n`
}

const STATES: Readonly<Record<DeliveryDetail['delivery']['state'], string>> = {
  queued: 'waits for its turn',
  sending: 'under way',
  waiting: 'not delivered yet; tried again later',
  'awaiting-receipt': 'taken by the partner; the receipt has not come yet',
  disputed: 'the partner answered, but the answer does not prove that it arrived',
  unknown: 'it is not known whether it arrived',
  delivered: 'delivered',
  failed: 'not delivered',
  cancelled: 'stopped before it arrived',
  received: 'received, not released yet',
  held: 'received and held: a person must decide',
}

function receiptLines(receipt: Receipt): string[] {
  switch (receipt.kind) {
    case 'mdn':
      return [
        `receipt of ${receipt.at}: ${receipt.disposition}, ${receipt.signed ? `signed with the certificate ${receipt.signer ?? '(not named)'}` : 'not signed'}`,
        receipt.micMatches === null ? 'it names no digest of the content' : `it names ${receipt.micMatches ? 'the same' : 'ANOTHER'} digest of the content than ours: theirs ${receipt.micReceived ?? 'none'}, ours ${receipt.micSent ?? 'none'} (${receipt.micAlgorithm ?? 'unknown algorithm'})`,
      ]
    case 'received':
      return [`received on ${receipt.at} from ${receipt.source}`, receipt.releasedTo === null ? 'not released' : `released as ${receipt.releasedTo}`]
    case 'operator':
      return [`a person recorded on ${receipt.at} that it arrived as ${receipt.remotePath}`]
    default:
      return [`found at the partner on ${receipt.at}: ${receipt.remotePath}, ${receipt.size} bytes, checked by ${receipt.verifiedBy}${receipt.remoteSha256 === null ? '' : `, SHA-256 there ${receipt.remoteSha256}`}`]
  }
}
