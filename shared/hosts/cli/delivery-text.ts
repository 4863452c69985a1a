/** One delivery for a person at a terminal; `--json` has every field. */
import type { Attempt, Delivery, DeliveryDetail, Receipt } from '../../contract/deliveries.ts'
import type { RelianceFact } from '../../contract/policy.ts'
import type { z } from 'zod'
import { bytesText, failureText, table } from './output.ts'

export const STATE_WORDS: Readonly<Record<Delivery['state'], string>> = {
  queued: 'queued',
  sending: 'sending',
  waiting: 'will be tried again',
  'awaiting-receipt': 'taken; its receipt is awaited',
  disputed: 'disputed: the receipt proves nothing',
  unknown: 'outcome unknown',
  delivered: 'delivered',
  failed: 'not delivered',
  cancelled: 'cancelled',
  received: 'received, not released yet',
  held: 'waits for your decision',
}

export function deliveryText({ delivery, attempts, source, exceptions, parts, contentRemovedAt }: z.infer<typeof DeliveryDetail>): string {
  const { receipt, error } = delivery
  const facts: readonly (readonly [string, string | null])[] = [
    ['Delivery', delivery.id],
    ['State', STATE_WORDS[delivery.state]],
    ['Next try', delivery.nextTryAt],
    ['Partner', `${delivery.partner}/${delivery.connection}`],
    ['File', source],
    ['Name there', delivery.remoteName],
    ['Size', `${bytesText(delivery.size)} (${delivery.size} bytes)`],
    ['SHA-256', delivery.sha256],
    ['Travels as', delivery.wire === null ? null : `${delivery.wire.size} bytes, SHA-256 ${delivery.wire.sha256}`],
    ['Created', delivery.createdAt],
    ['Receipt', receipt === null ? null : receiptText(receipt)],
    ['Sent again because', delivery.duplicateReason],
    ['Content', contentRemovedAt === null ? null : `deleted here on ${contentRemovedAt}, its time was over; this record stays`],
  ]
  return [
    table(facts.flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
    ...(receipt !== null && 'facts' in receipt ? factsText(receipt.facts) : []),
    ...(parts.length === 0 ? [] : ['', 'Files inside:', table(parts.map(({ name, size, sha256 }) => [`  ${name}`, `${size} bytes`, sha256]))]),
    ...attempts.map(attemptText),
    // Of what was received there are no tries of ours.
    ...(attempts.length === 0 ? exceptions.map(relianceText) : []),
    ...(error === null ? [] : ['', failureText(error)]),
  ].join('\n')
}

export function receiptText(receipt: Receipt): string {
  switch (receipt.kind) {
    case 'mdn':
      return `MDN (${receipt.mode}): ${receipt.disposition}, ${receipt.signed ? 'signed' : 'not signed'}, content ${receipt.micMatches === true ? 'confirmed' : receipt.micMatches === false ? 'DIFFERS' : 'not confirmed'}, ${receipt.at}`
    case 'received':
      return `from ${receipt.source}, ${receipt.size} bytes, ${receipt.releasedTo === null ? (receipt.facts['unpackedFiles'] === undefined ? 'not released' : `unpacked to ${receipt.facts['unpackedFiles']} files`) : `released to ${receipt.releasedTo}`}, ${receipt.at}`
    default:
      return `${receipt.remotePath}, ${receipt.size} bytes, checked by ${receipt.verifiedBy}, ${receipt.at}`
  }
}

function attemptText(attempt: Attempt): string {
  const resumed = attempt.resumedAt > 0 ? `, went on at byte ${attempt.resumedAt}` : ''
  return [
    `\nTry ${attempt.number}: ${attempt.result}, ${attempt.startedAt} to ${attempt.endedAt ?? 'now'}, ${attempt.bytes} bytes${resumed}`,
    ...factsText(attempt.observed),
    ...attempt.exceptions.map(relianceText),
  ].join('\n')
}

function relianceText({ allow, seen, until, owner, reason }: RelianceFact): string {
  return `  relied on the exception ${allow} (${seen}) until ${until}: ${reason} (${owner})`
}

function factsText(facts: Readonly<Record<string, string>>): string[] {
  const rows = Object.entries(facts).map(([name, value]) => [`  ${name}`, value])
  return rows.length === 0 ? [] : [table(rows)]
}
