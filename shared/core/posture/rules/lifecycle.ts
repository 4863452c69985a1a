/** What ends, has ended, or stays longer than it should. */
import type { ExpiryEntry } from '../../../contract/trust-insights.ts'
import { TOLERATED } from '../../../contract/policy.ts'
import type { TrustItem } from '../../../contract/trust.ts'
import { DAY_MS, dayOf, daysBetween, daysText } from '../days.ts'
import { isActive, type PostureFacts } from '../facts.ts'
import { fact, itemRule, ofItem, partnerRule, type Hit, type Rule } from '../rule.ts'

const PARTNERS_SHOWN = 5

function usedBy({ uses }: ExpiryEntry): string {
  const names = [...new Set(uses.map(({ partner }) => partner ?? 'our station'))]
  return names.length <= PARTNERS_SHOWN ? names.join(', ') : `${names.slice(0, PARTNERS_SHOWN).join(', ')} and ${names.length - PARTNERS_SHOWN} more`
}

/** A finding belongs to a partner when it concerns no other. */
function partnerOf({ uses }: ExpiryEntry): string | null {
  const partners = new Set(uses.map(({ partner }) => partner))
  return partners.size === 1 ? ([...partners][0] ?? null) : null
}

function hitOf(entry: ExpiryEntry, message: string, severity?: Hit['severity']): Hit {
  return {
    ...ofItem({ id: entry.item, label: entry.label }),
    ...(severity === undefined ? {} : { severity }),
    partner: partnerOf(entry),
    detail: `${entry.part} ${entry.name}`,
    message,
    evidence: [fact('Ends', dayOf(entry.endsAt)), fact('Which', entry.name), fact('Used by', usedBy(entry)), fact('Roles', [...new Set(entry.uses.map(({ role }) => role))].join(', ')), fact('Lead time', daysText(entry.leadDays))],
  }
}

const when = ({ daysLeft, endsAt }: ExpiryEntry): string => (daysLeft < 0 ? `ended ${daysText(-daysLeft)} ago, on ${dayOf(endsAt)}` : `ends in ${daysText(daysLeft)}, on ${dayOf(endsAt)}`)

/** Below this, an end is an error: the partner needs days to answer. */
const URGENT_DAYS = 7
const NO_SUCCESSOR_DAYS = 30
const OVERLAP_DAYS = 90
const KEY_YEARS = 3
const SSH_KEY_YEARS = 5

/** Another item that serves, or will serve, the same role for the same relationship after the end. */
function hasSuccessor(entry: ExpiryEntry, use: ExpiryEntry['uses'][number], items: readonly TrustItem[]): boolean {
  return items.some(
    (item) =>
      item.id !== entry.item &&
      item.state === 'active' &&
      (item.notAfter === null || item.notAfter > entry.endsAt) &&
      item.bindings.some((binding) => binding.partner === use.partner && (binding.connection === null || binding.connection === use.connection) && binding.role === use.role && (binding.activeUntil === null || binding.activeUntil > entry.endsAt)),
  )
}

const expiry = (facts: PostureFacts, choose: (entry: ExpiryEntry) => boolean): readonly ExpiryEntry[] => facts.expiry.filter(choose)

const SOURCES = ['RFC 5280 §4.1.2.5', 'OpenAS2 and mendelson: messages fail on the day the certificate ends']

export const lifecycleRules: readonly Rule[] = [
  itemRule({
    code: 'certificate_expired', domain: 'lifecycle', severity: 'error', title: 'A certificate in use has expired',
    rationale: 'Partners refuse what is signed with an expired certificate, and refuse to encrypt to it; many products say so only in their own log.',
    sources: SOURCES, suggestion: 'Ask its owner for the new certificate (or make one, if it is ours), import it under Keys & certificates and bind it in the same roles.',
    find: (facts) => expiry(facts, ({ part, kind, daysLeft }) => part === 'own' && kind !== 'pgp' && daysLeft < 0).map((entry) => hitOf(entry, `${entry.label} ${when(entry)}`)),
  }),
  itemRule({
    code: 'pgp_key_expired', domain: 'lifecycle', severity: 'error', title: 'An OpenPGP key in use has expired',
    rationale: 'GnuPG and other programs refuse to encrypt to an expired key, and show its signatures as doubtful.',
    sources: ['RFC 9580 §5.2.3.13 (key expiration time)'], suggestion: 'Ask its owner to extend the key and to send it again; the fingerprint stays the same. Import the file under Keys & certificates.',
    find: (facts) => expiry(facts, ({ part, kind, daysLeft }) => part === 'own' && kind === 'pgp' && daysLeft < 0).map((entry) => hitOf(entry, `${entry.label} ${when(entry)}`)),
  }),
  itemRule({
    code: 'pgp_subkey_expired', domain: 'lifecycle', severity: 'error', title: 'The subkey that does the work has expired',
    rationale: 'A key looks valid while the subkey that encrypts or signs is over: nothing can be encrypted to it any more.',
    sources: ['RFC 9580 §10.1 (subkeys)', 'Xferity posture engine: key capability mismatches'], suggestion: 'Ask its owner for a new or extended subkey and import the key file again; the fingerprint of the key stays the same.',
    find: (facts) => expiry(facts, ({ part, daysLeft }) => part === 'subkey' && daysLeft < 0).map((entry) => hitOf(entry, `the subkey ${entry.name} of ${entry.label} ${when(entry)}`)),
  }),
  itemRule({
    code: 'pgp_subkey_ends_first', domain: 'lifecycle', severity: 'warning', title: 'A subkey ends before its key',
    rationale: 'The date on the key is not the date on which the exchange stops; the subkey\'s is.',
    sources: ['RFC 9580 §10.1'], suggestion: 'Ask its owner for an extended subkey in time, and import the key file again.',
    find: (facts) => expiry(facts, ({ part, state, daysLeft }) => part === 'subkey' && daysLeft >= 0 && state !== 'later').map((entry) => hitOf(entry, `the subkey ${entry.name} of ${entry.label} ${when(entry)}, before the key itself`)),
  }),
  itemRule({
    code: 'item_expiring', domain: 'lifecycle', severity: 'warning', title: 'A certificate or key ends soon',
    rationale: 'A new one has to be made, sent to the partner, compared and bound before the old one ends; the lead time says how long that takes.',
    sources: [...SOURCES, 'NIST SP 1800-16 (certificate management)'], suggestion: 'Begin the change now: get or make the new one, import it, bind it from an agreed date on, and keep the old one until the partner has confirmed.',
    find: (facts) => expiry(facts, ({ part, daysLeft, state }) => part === 'own' && daysLeft >= 0 && state === 'due').map((entry) => hitOf(entry, `${entry.label} ${when(entry)}`, entry.daysLeft <= URGENT_DAYS ? 'error' : 'warning')),
  }),
  itemRule({
    code: 'no_successor', domain: 'lifecycle', severity: 'warning', title: 'It ends soon and nothing follows',
    rationale: 'On that day the role is empty. A successor that is bound in time takes over without a gap.',
    sources: ['NIST SP 800-57 Part 1 Rev. 5 §5.3 (cryptoperiods)', 'CertCutover and similar tools exist because this is forgotten'], suggestion: 'Get the next certificate or key, import it under Keys & certificates, and press "Use it for…" with a first day before the end.',
    find: (facts) =>
      expiry(facts, ({ part, daysLeft }) => part !== 'chain' && daysLeft >= 0 && daysLeft <= NO_SUCCESSOR_DAYS).flatMap((entry) => {
        const open = entry.uses.filter((use) => !hasSuccessor(entry, use, facts.items))
        return open.length === 0 ? [] : [hitOf({ ...entry, uses: open }, `nothing is bound to follow ${entry.label}, which ${when(entry)}`)]
      }),
  }),
  itemRule({
    code: 'chain_expired', domain: 'lifecycle', severity: 'error', title: 'A certificate above has expired',
    rationale: 'A chain is as valid as its shortest member: servers and partners that check it refuse the certificate below.',
    sources: ['RFC 5280 §6.1', 'AddTrust root expiry, 30 May 2020'], suggestion: 'Ask whoever issued the certificate for the current certificates between it and the authority, and import it together with them.',
    find: (facts) => expiry(facts, ({ part, daysLeft }) => part === 'chain' && daysLeft < 0).map((entry) => hitOf(entry, `${entry.name}, above ${entry.label}, ${when(entry)}`)),
  }),
  itemRule({
    code: 'chain_expiring', domain: 'lifecycle', severity: 'warning', title: 'A certificate above ends soon',
    rationale: 'The certificate itself may be valid for years; it fails together with the one above it.',
    sources: ['RFC 5280 §6.1'], suggestion: 'Ask whoever issued the certificate which one replaces the one above, and import it together with that.',
    find: (facts) => expiry(facts, ({ part, daysLeft, state }) => part === 'chain' && daysLeft >= 0 && state !== 'later').map((entry) => hitOf(entry, `${entry.name}, above ${entry.label}, ${when(entry)}`)),
  }),
  itemRule({
    code: 'not_yet_valid', domain: 'lifecycle', severity: 'error', title: 'Something is in use before it is valid',
    rationale: 'Partners refuse it until its first day; often a clock is wrong or the binding begins too early.',
    sources: ['RFC 5280 §4.1.2.5'], suggestion: 'Open it and end its use; then press "Use it for…" with its first valid day as the beginning. Keep the earlier one in use until then.',
    find: ({ items, now }) =>
      items.filter(({ notBefore, bindings }) => notBefore !== null && Date.parse(notBefore) > now && bindings.some((binding) => isActive(binding, now))).map((item) => ({ ...ofItem(item), message: `${item.label} is bound now and valid from ${dayOf(item.notBefore ?? '')} only`, evidence: [fact('Valid from', dayOf(item.notBefore ?? ''))] })),
  }),
  itemRule({
    code: 'rollover_stuck', domain: 'lifecycle', severity: 'warning', title: 'A change of keys has not been ended',
    rationale: 'The old key is still accepted long after the new one came: whoever has the old one can still pretend to be the partner.',
    sources: ['NIST SP 800-57 Part 1 Rev. 5 §5.3 (cryptoperiods)'], suggestion: 'Ask the partner whether the old one is still used; if not, open it and end its use.',
    find: stuckRollovers,
  }),
  itemRule({
    code: 'retired_still_seen', domain: 'lifecycle', severity: 'error', title: 'A retired key is still used by the partner',
    rationale: 'What was given up here still comes from there: the partner did not take the change, or somebody else has the old key.',
    sources: ['NIST SP 800-57 Part 1 Rev. 5 §8.3 (post-operational phase)'], suggestion: 'Ask the partner when they change to the new one. If they say that they have, treat the old key as stolen.',
    find: retiredSeen,
  }),
  itemRule({
    code: 'own_key_old', domain: 'lifecycle', severity: 'info', title: 'One of our own keys is old',
    rationale: 'The longer a key is used, the more people and backups have had it. Three years are usual for signing, five for signing in.',
    sources: ['NIST SP 800-57 Part 1 Rev. 5 Table 1 (1–3 years)'], suggestion: 'Make a new one at the next occasion, give the partner the public part, and change over with both bound for a while.',
    find: ({ items, now }) =>
      items.filter((item) => item.state === 'active' && item.hasPrivateKey && item.bindings.some((binding) => isActive(binding, now))).flatMap((item) => {
        const since = item.notBefore ?? item.createdAt
        const years = item.kind === 'ssh-client' ? SSH_KEY_YEARS : KEY_YEARS
        return daysBetween(since, now) < years * 365 ? [] : [{ ...ofItem(item), message: `${item.label} is in use since ${dayOf(since)}, more than ${years} years`, evidence: [fact('Since', dayOf(since))] }]
      }),
  }),
  partnerRule({
    code: 'exception_ending', domain: 'lifecycle', severity: 'warning', title: 'An exception ends soon',
    rationale: 'After its last day what it tolerates is refused: files stop, unless the partner has changed by then.',
    sources: ['NIST SP 800-131A Rev. 2 (transitions)'], suggestion: 'Ask the partner whether the change is made. If it is, remove the exception; if not, agree on a new date and note who answers for it.',
    find: ({ document }, { now }) =>
      document.exceptions.flatMap((exception) => {
        const left = daysBetween(now, Date.parse(`${exception.until}T00:00:00.000Z`) + DAY_MS)
        return left < 0 || left > 14 ? [] : [{ detail: `${exception.allow} ${exception.connection ?? ''}`, message: `"${TOLERATED[exception.allow]}" is tolerated until ${exception.until} only`, evidence: [fact('Exception', exception.allow), fact('Reason', exception.reason), fact('Who answers for it', exception.owner)], open: { kind: 'partner-form' as const, id: document.id } }]
      }),
  }),
  partnerRule({
    code: 'exception_over', domain: 'lifecycle', severity: 'info', title: 'An exception is over and still written down',
    rationale: 'It tolerates nothing any more, and hides which ones still do.',
    sources: ['Waybill: an exception has an end date'], suggestion: 'Remove it from the partner\'s settings.',
    find: ({ document }, { now }) => document.exceptions.filter(({ until }) => Date.parse(`${until}T00:00:00.000Z`) + DAY_MS <= now).map((exception) => ({ detail: `${exception.allow} ${exception.connection ?? ''}`, message: `the exception "${exception.allow}" ended on ${exception.until}`, evidence: [fact('Reason', exception.reason), fact('Who answered for it', exception.owner)], open: { kind: 'partner-form' as const, id: document.id } })),
  }),
]

/** Roles in which two at once mean that the older one should go. */
const ROLLED: readonly string[] = ['verify', 'decrypt', 'ssh-host', 'tls-server', 'tls-caller', 'pgp-verify', 'pgp-decrypt']

function stuckRollovers({ items, now }: PostureFacts): Hit[] {
  const bound = items.filter(({ kind, state }) => kind !== 'ca' && kind !== 'ssh-ca' && kind !== 'ssh-revoked' && state === 'active').flatMap((item) => item.bindings.filter((binding) => ROLLED.includes(binding.role) && isActive(binding, now)).map((binding) => ({ item, binding })))
  const groups = Map.groupBy(bound, ({ item, binding }) => `${binding.partner ?? ''} ${binding.connection ?? ''} ${binding.role} ${binding.role === 'ssh-host' ? item.algorithm : ''}`)
  return [...groups.values()].flatMap((group) => {
    const ordered = group.toSorted((left, right) => left.binding.activeFrom.localeCompare(right.binding.activeFrom))
    const [oldest, newest] = [ordered[0], ordered.at(-1)]
    if (oldest === undefined || newest === undefined || oldest.item.id === newest.item.id || oldest.binding.activeUntil !== null) return []
    const days = daysBetween(newest.binding.activeFrom, now)
    if (days < OVERLAP_DAYS) return []
    return [{ ...ofItem(oldest.item), partner: oldest.binding.partner, detail: oldest.binding.role, message: `${oldest.item.label} is still accepted as ${oldest.binding.role}, ${daysText(days)} after ${newest.item.label} came`, evidence: [fact('Successor', newest.item.label), fact('Since', dayOf(newest.binding.activeFrom))] }]
  })
}

const SEEN_KEYS: readonly string[] = ['ssh.host-key', 'tls.certificate', 'as2.received-signer', 'as2.receipt-signer']
const RECENT_DAYS = 30

function retiredSeen({ items, observations, now }: PostureFacts): Hit[] {
  const retired = new Map(items.filter(({ state }) => state === 'retired').map((item) => [item.fingerprint, item]))
  return observations.flatMap((seen) => {
    if (daysBetween(seen.lastSeen, now) > RECENT_DAYS) return []
    // A refusal names what was presented behind its code.
    const shown = SEEN_KEYS.includes(seen.aspect) ? seen.value : seen.aspect === 'refused' ? (seen.value.split(' ')[1] ?? '') : ''
    const item = retired.get(shown)
    const ended = item?.bindings.map(({ activeUntil }) => activeUntil ?? '').toSorted().at(-1) ?? ''
    if (item === undefined || seen.lastSeen <= ended) return []
    return [{ ...ofItem(item), partner: seen.partner, detail: `${seen.partner}/${seen.connection} ${seen.aspect}`, message: `${item.label} is retired, and ${seen.partner} still used it on ${dayOf(seen.lastSeen)}`, evidence: [fact('Fingerprint', item.fingerprint), fact('Last seen', dayOf(seen.lastSeen))], deliveries: seen.deliveries }]
  })
}
