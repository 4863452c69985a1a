/** The records of a delivery, held against themselves, against the anchor, and against what the delivery says. */
import { Anchor, type AuditEvent } from '../../contract/audit.ts'
import type { EvidenceCheck } from '../../contract/evidence.ts'
import { signatureHolds } from '../audit/anchors.ts'
import { hashOf } from '../audit/rules.ts'
import type { Facts } from './facts.ts'
import { RecordLine } from './form.ts'

interface Read {
  readonly events: readonly AuditEvent[]
  readonly problem: string | null
}

function recordsOf({ records }: Facts): Read {
  try {
    return { events: records.split('\n').filter((line) => line !== '').map((line) => RecordLine.parse(JSON.parse(line))), problem: null }
  } catch {
    return { events: [], problem: 'a record has another form' }
  }
}

export function recordsCheck(facts: Facts): EvidenceCheck {
  const { events, problem } = recordsOf(facts)
  const bad = problem ?? problemOf(events, facts.manifest.delivery)
  return { check: 'records', ok: bad === null, detail: bad ?? `${events.length} records, each with its own hash, in their order${events.every((event, index) => index === 0 || event.seq === (events[index - 1]?.seq ?? 0) + 1) ? ', one right after the other' : ''}.` }
}

function problemOf(events: readonly AuditEvent[], delivery: string): string | null {
  if (events.length === 0) return 'there is no record'
  for (const [index, event] of events.entries()) {
    const before = events[index - 1]
    if (event.subject.kind !== 'delivery' || event.subject.id !== delivery) return `record ${event.seq} is about something else`
    if (hashOf(event) !== event.hash) return `record ${event.seq} was changed: its hash is another one`
    if (before !== undefined && event.seq <= before.seq) return `record ${event.seq} stands out of its order`
    if (before !== undefined && event.seq === before.seq + 1 && event.prevHash !== before.hash) return `record ${event.seq} was not written after record ${before.seq}`
  }
  return null
}

export function anchorCheck(facts: Facts): EvidenceCheck {
  const fail = (detail: string): EvidenceCheck => ({ check: 'anchor', ok: false, detail })
  const anchor = anchorOf(facts.anchor)
  if (anchor === null || !signatureHolds(anchor)) return fail('the head of the chain is not signed')
  if (anchor.publicKey !== facts.key || anchor.workspace !== facts.manifest.workspace) return fail('the head of the chain was signed by somebody else')
  const last = recordsOf(facts).events.at(-1)
  if (last === undefined || last.seq > anchor.seq) return fail('a record is younger than the head of the chain')
  if (last.seq === anchor.seq && last.hash !== anchor.head) return fail('the last record is not the head of the chain')
  return { check: 'anchor', ok: true, detail: `The chain had ${anchor.seq} records on ${anchor.at}, head ${anchor.head}.` }
}

function anchorOf(text: string): Anchor | null {
  try {
    return Anchor.parse(JSON.parse(text))
  } catch {
    return null
  }
}

const WRITTEN_DOWN = ['delivery.created', 'delivery.received', 'delivery.held']
const ENDED = ['delivery.delivered', 'delivery.released', 'delivery.resolved']

/** The delivery is told twice, once as it stands and once as it was recorded: both must say the same. */
export function storyCheck(facts: Facts): EvidenceCheck {
  const { delivery } = facts.detail
  const { events } = recordsOf(facts)
  const first = events.find(({ type }) => WRITTEN_DOWN.includes(type))
  const differs = first === undefined ? 'no record says that it was written down' : (['sha256', 'size', 'fileName', 'remoteName', 'direction', 'connection'] as const).find((field) => field in first.data && first.data[field] !== delivery[field])
  const last = events.findLast(({ data }) => typeof data['state'] === 'string')
  const ended = delivery.state !== 'delivered' || events.some(({ type }) => ENDED.includes(type))
  const problem =
    first === undefined
      ? 'no record says that it was written down'
      : delivery.id !== facts.manifest.delivery || delivery.partner !== facts.manifest.partner.id
        ? 'the delivery is another one than was listed'
        : differs !== undefined
          ? `delivery and records differ in ${differs}`
          : !ended
            ? 'no record says that it was delivered'
            : last !== undefined && facts.detail.delivery.state !== last.data['state'] && delivery.direction === 'outbound'
              ? `the last record says "${String(last.data['state'])}", the delivery "${delivery.state}"`
              : null
  return { check: 'story', ok: problem === null, detail: problem ?? 'The records and the delivery tell the same.' }
}
