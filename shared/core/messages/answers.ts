/** What the sender of a message gets back over HTTP. */
import type { MessageParty } from '../partners/routes.ts'
import { buildMdn, planReceipt, type Envelope } from '../protocols/as2/message/index.ts'
import type { InboundAnswer } from '../protocols/as2/listener.ts'
import type { InboundRecord } from './repository.ts'

/** The receipt that an entry got, the very bytes; without one, what HTTP can say. */
export function givenAnswer(entry: InboundRecord, envelope: Envelope, _party: MessageParty): InboundAnswer {
  const { mdn, state } = entry
  if (mdn !== null && envelope.receipt.wanted) return { status: 200, headers: mdn.headers, body: mdn.body }
  // Nobody asked for a receipt: the number is all that tells.
  return { status: state === 'processed' ? 200 : 403 }
}

/** A pair of identifiers that nobody here agreed on: an unsigned receipt where one was asked for, as the draft says; else 403. */
export function unknownPartyAnswer(envelope: Envelope, product: string, now: number): InboundAnswer {
  const { from, to, messageId, receipt } = envelope
  const plan = planReceipt(receipt)
  if (!plan.send || plan.delivery.mode !== 'sync' || from === undefined || to === undefined || from.id === '' || to.id === '') return { status: 403 }
  const mdn = buildMdn({
    as2From: to.id,
    as2To: from.id,
    disposition: { kind: 'error', modifier: 'unknown-trading-relationship' },
    ...(messageId?.valid === true ? { originalMessageId: messageId.raw } : {}),
    reportingUa: product,
    date: new Date(now),
    quirks: { modernModifiers: isModern(envelope) },
  })
  return { status: 200, headers: mdn.headers, body: mdn.body }
}

/** Version 1.3 brought the newer modifiers. */
export function isModern({ version }: Envelope): boolean {
  const minor = /^1\.(\d+)/.exec(version)?.[1]
  return minor !== undefined && Number(minor) >= 3
}
