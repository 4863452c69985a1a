/** Whether the exchange itself goes on: from the ledger. */
import { dayOf, daysBetween, daysText, DAY_MS } from '../days.ts'
import type { ConnectionTraffic, ConnectionView } from '../facts.ts'
import { connectionRule, fact, partnerRule, type Hit, type Rule } from '../rule.ts'

const FAILING = 3
const SUSPENDED_DAYS = 30
const NEVER_USED_DAYS = 30
const UNKNOWN_DAYS = 1
const HELD_DAYS = 2
const RECEIPT_MS = 12 * 3_600_000

/** Deliveries that rest in a state for longer than so many days. */
function resting(view: ConnectionView, state: ConnectionTraffic['resting'][number]['state'], days: number): ConnectionTraffic['resting'] {
  return (view.traffic?.resting ?? []).filter((one) => one.state === state && daysBetween(one.since, view.facts.now) >= days).toSorted((left, right) => left.since.localeCompare(right.since))
}

function restingHit(view: ConnectionView, found: ConnectionTraffic['resting'], what: string): Hit[] {
  const [oldest] = found
  if (oldest === undefined) return []
  return [{ message: `${view.name}: ${found.length} ${found.length === 1 ? 'file' : 'files'} ${what}, the oldest for ${daysText(daysBetween(oldest.since, view.facts.now))}`, evidence: [fact('Oldest since', oldest.since)], deliveries: found.slice(0, 5).map(({ id }) => id), open: { kind: 'delivery', id: oldest.id } }]
}

export const flowRules: readonly Rule[] = [
  connectionRule({
    code: 'failing_repeatedly', domain: 'flow', severity: 'error', title: 'Deliveries fail one after the other',
    rationale: 'Nothing has arrived since; the partner notices when the goods do not come.',
    sources: ['Google SRE book: alert on symptoms', 'Files.com: failed syncs stay unnoticed'], suggestion: 'Open the newest delivery and follow its steps; then test the connection.',
    find: (view) => {
      const failing = view.traffic?.failing ?? []
      const [newest] = failing
      return failing.length < FAILING || newest === undefined ? [] : [{ message: `${view.name}: the last ${failing.length} deliveries failed`, evidence: [fact('Newest reason', newest.code), fact('Since', dayOf(failing.at(-1)?.at ?? newest.at))], deliveries: failing.slice(0, 5).map(({ id }) => id), open: { kind: 'delivery' as const, id: newest.id } }]
    },
  }),
  connectionRule({
    code: 'outcome_unknown', domain: 'flow', severity: 'warning', title: 'It is not known whether a file arrived',
    rationale: 'Until somebody decides, it is neither sent again nor counted as delivered.',
    sources: ['RFC 4130 §5.5', 'Two generals\' problem'], suggestion: 'Ask the partner whether the file is there, and note the answer at the delivery.',
    find: (view) => restingHit(view, resting(view, 'unknown', UNKNOWN_DAYS), 'with unknown outcome'),
  }),
  connectionRule({
    code: 'disputed_resting', domain: 'flow', severity: 'error', title: 'A receipt proves something else',
    rationale: 'The partner has confirmed another content, or the signature was wrong: there is no proof of delivery.',
    sources: ['RFC 4130 §7.4.3'], suggestion: 'Open the delivery, read what the receipt says, and call the partner.',
    find: (view) => restingHit(view, resting(view, 'disputed', 0), 'with a receipt that proves nothing'),
  }),
  connectionRule({
    code: 'held_for_long', domain: 'flow', severity: 'warning', title: 'Received files wait for a person',
    rationale: 'They are here and not in the Inbox: whoever needs them does not see them.',
    sources: ['Waybill: held files'], suggestion: 'Open the oldest and decide: release it, or cancel it.',
    find: (view) => restingHit(view, resting(view, 'held', HELD_DAYS), 'held'),
  }),
  connectionRule({
    code: 'receipts_overdue', domain: 'flow', severity: 'warning', title: 'Receipts are overdue',
    rationale: 'Receipts usually come in minutes. None means that the partner\'s system stands still, or that our receiver cannot be reached.',
    sources: ['RFC 4130 §7.2', 'mendelson and OpenAS2: pending MDN'], suggestion: 'Ask the partner whether they can reach our receiver.',
    find: (view) => {
      const found = (view.traffic?.resting ?? []).filter(({ state, since }) => state === 'awaiting-receipt' && view.facts.now - Date.parse(since) > RECEIPT_MS)
      return restingHit(view, found.toSorted((left, right) => left.since.localeCompare(right.since)), 'without a receipt')
    },
  }),
  connectionRule({
    code: 'gone_quiet', domain: 'flow', severity: 'warning', title: 'A busy connection has become quiet',
    rationale: 'A missing file is the failure that nobody catches: nothing fails, so nothing alerts.',
    sources: ['Files.com: Expectations', 'Xferity: missing scheduled runs'], suggestion: 'Ask whoever makes or needs the files whether that is right.',
    find: (view) => {
      const { traffic } = view
      if (traffic === null || traffic.total < 10) return []
      const usual = (Date.parse(traffic.lastAt) - Date.parse(traffic.firstAt)) / (traffic.total - 1)
      const quiet = view.facts.now - Date.parse(traffic.lastAt)
      return quiet < 7 * DAY_MS || quiet < 5 * usual ? [] : [{ message: `${view.name}: nothing for ${daysText(Math.floor(quiet / DAY_MS))}; before, ${traffic.total} files came or went about every ${usual < DAY_MS ? `${Math.max(1, Math.round(usual / 3_600_000))} h` : daysText(Math.round(usual / DAY_MS))}`, evidence: [fact('Newest', traffic.lastAt), fact('Files', traffic.total)] }]
    },
  }),
  connectionRule({
    code: 'never_used', domain: 'flow', severity: 'info', title: 'A connection was never used',
    rationale: 'Each account and key that is not needed is one more that can be misused.',
    sources: ['NIST SP 800-53 AC-2(3)', 'CIS Control 5.3 (dormant accounts)'], suggestion: 'Ask whether it is still wanted: if so, send a first file; if not, edit the partner and remove the connection.',
    find: (view) => (view.traffic !== null || view.partner.practice || daysBetween(view.partner.updatedAt, view.facts.now) < NEVER_USED_DAYS ? [] : [{ message: `${view.name}: nothing was ever sent or received`, evidence: [fact('Last changed', dayOf(view.partner.updatedAt))], open: { kind: 'partner-form', id: view.partner.document.id } }]),
  }),
  connectionRule({
    code: 'receive_duplicates', domain: 'flow', severity: 'info', title: 'Renamed copies are taken as new files',
    rationale: 'Files stay at the partner and known content under another name is taken again: an order may be processed twice.',
    sources: ['RFC 4130 §5.5 (duplicates)', 'Xferity idempotency'], suggestion: 'Edit the partner and set "Known content under another name" to hold, or let files be moved after they were taken.',
    find: (view) => {
      const receive = 'receive' in view.connection ? view.connection.receive : undefined
      return receive?.after === 'leave' && receive.sameContent === 'take' ? [{ message: `${view.name} leaves files there and takes known content again`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []
    },
  }),
  connectionRule({
    code: 'receive_unstable', domain: 'flow', severity: 'warning', title: 'Files may be taken before they are complete',
    rationale: 'Without a waiting time or a marker a file is taken while the partner still writes it.',
    sources: ['MOVEit and EFT: "file in use" settings', 'WinSCP .filepart'], suggestion: 'Edit the partner and set "Unchanged for" to 10 seconds or more, or agree with the partner on a marker file.',
    find: (view) => {
      const receive = 'receive' in view.connection ? view.connection.receive : undefined
      return receive !== undefined && receive.stableSeconds === 0 && receive.marker === undefined ? [{ message: `${view.name} takes files as soon as they appear`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []
    },
  }),
  connectionRule({
    code: 'verify_size_only', domain: 'flow', severity: 'info', title: 'Uploads are checked by their size only',
    rationale: 'A file of the right length may still hold a wrong content.',
    sources: ['RFC draft-ietf-secsh-filexfer-extensions (check-file)'], suggestion: 'Edit the partner and set "Check after upload" to auto, or to read-back for important files.',
    find: (view) => ('verify' in view.connection && view.connection.verify === 'size' ? [{ message: `${view.name} compares sizes only`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []),
  }),
  partnerRule({
    code: 'suspended_for_long', domain: 'flow', severity: 'info', title: 'A partner is suspended for long',
    rationale: 'What is meant for a while is easily forgotten; keys and accounts stay valid meanwhile.',
    sources: ['NIST SP 800-53 AC-2(3)'], suggestion: 'Decide with whoever suspended it: resume the exchange on the partner\'s page, or remove the partner.',
    find: ({ document, suspended, updatedAt }, { now }) => (suspended && daysBetween(updatedAt, now) >= SUSPENDED_DAYS ? [{ message: `${document.name} is suspended for ${daysText(daysBetween(updatedAt, now))}`, evidence: [fact('Since', dayOf(updatedAt))] }] : []),
  }),
  partnerRule({
    code: 'no_contact', domain: 'flow', severity: 'info', title: 'Nobody to call is noted',
    rationale: 'A changed key has to be compared by phone, with somebody whose number was not in the message that announced it.',
    sources: ['NIST SP 800-61 Rev. 2 §3.1.1 (contact information)'], suggestion: 'Note a name and a phone number at the partner.',
    find: ({ document, practice }) => (practice || document.contacts.some(({ phone, email }) => phone !== undefined || email !== undefined) ? [] : [{ message: `${document.name} has no contact with a phone number or address`, open: { kind: 'partner-form', id: document.id } }]),
  }),
]
