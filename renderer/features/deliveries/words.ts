/** Deliveries, attempts and events in plain words. */
import type { AuditEvent } from '../../../shared/contract/audit.ts'
import type { Delivery, MdnReceipt, Stage } from '../../../shared/contract/deliveries.ts'
import { isErrorCode, textOf } from '../../../shared/contract/errors/index.ts'
import { clockText } from '../../lib/format.ts'
import type { Tone } from '../../ui/status.tsx'

export interface Words {
  readonly tone: Tone
  readonly word: string
  readonly sentence: string
}

export function stateWords(delivery: Pick<Delivery, 'state' | 'outcome'> & Partial<Pick<Delivery, 'direction' | 'receipt' | 'nextTryAt'>>): Words {
  if (wasUnpacked(delivery)) return { tone: 'ok', word: 'Unpacked', sentence: 'Its files are deliveries of their own and were released one by one.' }
  if (delivery.direction === 'inbound') return inboundWords(delivery.state)
  if (delivery.state === 'delivered' && delivery.receipt?.kind === 'mdn') return { tone: 'ok', word: 'Delivered', sentence: mdnSentence(delivery.receipt) }
  const words = outboundWords(delivery.state)
  return delivery.state === 'waiting' && typeof delivery.nextTryAt === 'string' ? { ...words, word: `Next try ${clockText(delivery.nextTryAt)}` } : words
}

/** An archive whose files went on by themselves. */
function wasUnpacked({ state, receipt }: Partial<Pick<Delivery, 'state' | 'receipt'>>): boolean {
  return state === 'delivered' && receipt?.kind === 'received' && receipt.facts['unpackedFiles'] !== undefined
}

function inboundWords(state: Delivery['state']): Words {
  switch (state) {
    case 'received':
      return { tone: 'run', word: 'Received', sentence: 'It is safely here; next it appears in the Inbox.' }
    case 'held':
      return { tone: 'warn', word: 'Waits for you', sentence: 'It is safely here but not in the Inbox: a person must decide whether it is released.' }
    case 'delivered':
      return { tone: 'ok', word: 'In the Inbox', sentence: 'It is in the Inbox, whole.' }
    case 'failed':
      return { tone: 'bad', word: 'Not taken', sentence: 'It was refused and is not in the Inbox.' }
    case 'cancelled':
      return { tone: 'wait', word: 'Not released', sentence: 'A person decided that it does not come into the Inbox.' }
    case 'sending':
      return { tone: 'run', word: 'Receiving', sentence: 'It is on its way to us.' }
    default:
      return outboundWords(state)
  }
}

function mdnSentence({ mode, signed, micMatches }: MdnReceipt): string {
  if (mode === 'none') return 'The partner’s server took it; no receipt was asked for.'
  return signed && micMatches === true ? 'The partner signed a receipt for exactly this content.' : 'The partner returned a receipt for it.'
}

function outboundWords(state: Delivery['state']): Words {
  switch (state) {
    case 'queued':
      return { tone: 'wait', word: 'Queued', sentence: 'It waits for its turn.' }
    case 'sending':
      return { tone: 'run', word: 'Sending', sentence: 'It is on its way.' }
    case 'waiting':
      return { tone: 'wait', word: 'Tried again later', sentence: 'The last try did not work; Waybill tries again by itself.' }
    case 'awaiting-receipt':
      return { tone: 'run', word: 'Receipt awaited', sentence: 'The partner took it; the receipt comes by itself later.' }
    case 'disputed':
      return { tone: 'warn', word: 'Disputed', sentence: 'The partner answered, but the answer does not prove that our file arrived. It is not sent again by itself.' }
    case 'unknown':
      return { tone: 'warn', word: 'Outcome unknown', sentence: 'It may or may not have arrived. “Retry now” looks first and sends only if it is not there.' }
    case 'delivered':
      return { tone: 'ok', word: 'Delivered', sentence: 'It stands at the partner under its final name, whole.' }
    case 'failed':
      return { tone: 'bad', word: 'Not delivered', sentence: 'It did not arrive. Nothing stands under its name.' }
    case 'cancelled':
      return { tone: 'wait', word: 'Cancelled', sentence: 'It was stopped before it arrived.' }
    case 'received':
    case 'held':
      return inboundWords(state)
  }
}

/** What a person can do where a receipt is not there or proves nothing; null where there is nothing to do. */
export function receiptAdvice(delivery: Pick<Delivery, 'state' | 'receipt'>): readonly string[] | null {
  if (delivery.state === 'awaiting-receipt')
    return [
      'Nothing for now: the partner posts the receipt to our receiver, which must run and be reachable from outside (see Settings).',
      'When it stays away, ask the partner whether the message arrived and whether its receipt was sent, and to which address.',
      'Once you know, record it with “Resolve…”. A receipt that comes later still closes the delivery.',
    ]
  if (delivery.state === 'disputed')
    return [
      `Ask the partner what it received${delivery.receipt?.kind === 'mdn' && delivery.receipt.micMatches === false ? ': its receipt names another content than ours. Let it compare the SHA-256 below with its file' : ', and let it compare the SHA-256 below with its file'}.`,
      'If the content is the same, record “It arrived” with “Resolve…”: the partner’s receipt is at fault, and its operator should know.',
      'If it is not, record “It did not arrive” and send the file again.',
    ]
  return null
}

export const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  connecting: 'Connecting',
  probing: 'Looking what is there',
  transferring: 'Sending',
  verifying: 'Comparing',
  committing: 'Giving it its name',
}

const EVENT_WORDS: Readonly<Record<string, string>> = {
  'station.changed': 'Our own details were changed',
  'partner.created': 'Partner added',
  'partner.changed': 'Partner changed',
  'partner.suspended': 'Exchange suspended',
  'partner.resumed': 'Exchange resumed',
  'partner.removed': 'Partner removed',
  'connection.tested': 'Connection tested',
  'trust.added': 'Key added to the inventory',
  'trust.bound': 'Key put to use',
  'trust.unbound': 'Key taken out of use here',
  'trust.retired': 'Key retired',
  'delivery.created': 'Copied and written down',
  'delivery.attempt_started': 'Try started',
  'delivery.committing': 'Whole and compared; asking for its final name',
  'delivery.delivered': 'Delivered',
  'delivery.accepted': 'Taken by the partner; the receipt follows',
  'delivery.disputed': 'The receipt does not prove the delivery',
  'delivery.receipt_overdue': 'The receipt is overdue',
  'delivery.probed_absent': 'Looked: it is not there yet',
  'delivery.attempt_failed': 'Try failed; another follows',
  'delivery.failed': 'Not delivered',
  'delivery.outcome_unknown': 'The answer was lost: outcome unknown',
  'delivery.interrupted': 'Waybill was stopped during the try',
  'delivery.requeued': 'Asked to try again',
  'delivery.resolved': 'Decided by a person',
  'delivery.cancelled': 'Cancelled',
  'delivery.received': 'Fetched and written down',
  'delivery.opened': 'Decrypted and its signature checked',
  'delivery.unpacked': 'Unpacked; its files go on by themselves',
  'delivery.content_removed': 'Content deleted here: its time was over',
  'delivery.held': 'Held: a person must decide',
  'delivery.release_ordered': 'Released by a person',
  'delivery.releasing': 'About to appear in the Inbox',
  'delivery.release_failed': 'Could not be put into the Inbox; tried again',
  'delivery.released': 'Released to the Inbox',
  'delivery.tidied': 'Tidied up at the partner',
  'policy.exception_used': 'Passed by a dated exception',
  'policy.refused': 'Refused by the policy',
  'policy.reviewed': 'Roles reviewed',
  'policy.approved': 'Trust and policy approved',
  'policy.changed': 'Policy for everyone changed',
  'policy.hardened': 'Hardened mode switched on',
  'policy.relaxed': 'Hardened mode switched off',
  'evidence.exported': 'Evidence exported',
  'audit.verified': 'Chain of records verified',
  'audit.anchored': 'Chain of records anchored outside',
  'backup.created': 'Backup made',
  'backup.restored': 'Restored from a backup',
  'safekeeping.configured': 'Safe keeping changed',
  'posture.changed': 'Findings came or went',
  'posture.approved': 'Posture approved as the baseline',
  'posture.suppressed': 'Finding suppressed for a while',
  'posture.unsuppressed': 'Suppression ended',
}

const BAD = ['delivery.failed', 'policy.refused']
const WARN = ['delivery.held', 'delivery.release_failed', 'delivery.attempt_failed', 'delivery.outcome_unknown', 'delivery.interrupted', 'delivery.disputed', 'delivery.receipt_overdue', 'partner.suspended', 'policy.exception_used']

/** One event as a sentence, with its tone and the reason if it has one. */
export function eventWords(event: Pick<AuditEvent, 'type' | 'data'>): { readonly text: string; readonly tone: 'ok' | 'warn' | 'bad' | 'plain'; readonly why: string | null } {
  const { error, reason } = event.data
  const code = typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : null
  const why = code !== null && isErrorCode(code) ? textOf({ code }).title : typeof reason === 'string' ? reason : null
  const tone = BAD.includes(event.type) ? 'bad' : WARN.includes(event.type) ? 'warn' : event.type === 'delivery.delivered' || event.type === 'delivery.released' ? 'ok' : 'plain'
  return { text: EVENT_WORDS[event.type] ?? event.type, tone, why }
}
