/** Copies that outlive this computer: backups, anchors of the chain, and what should be kept. */
import { dayOf, daysBetween, daysText } from '../days.ts'
import type { PostureFacts } from '../facts.ts'
import { fact, platformRule, type Hit, type Rule, type RuleText } from '../rule.ts'

const SAFEKEEPING = { kind: 'settings', id: 'safekeeping' } as const

function of(text: RuleText, find: (facts: PostureFacts) => Omit<Hit, 'open'> | null, open: NonNullable<Hit['open']> = SAFEKEEPING): Rule {
  return platformRule({
    ...text,
    find: (facts) => {
      const hit = find(facts)
      return hit === null ? [] : [{ open, ...hit }]
    },
  })
}

/** A workspace of so many days has something to lose. */
const FIRST_BACKUP_DAYS = 7
const OLD_BACKUP_DAYS = 14
const FIRST_ANCHOR_DAYS = 30
const OLD_ANCHOR_DAYS = 30
const MONTH_DAYS = 30
const FILLING_DAYS = 30
const SHOWN = 5

const mib = (bytes: number): string => (bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`)

export const keepingRules: readonly Rule[] = [
  of({ code: 'backup_missing', domain: 'secrets', severity: 'warning', title: 'There is no backup', rationale: 'Keys, agreements and the proof of every delivery are on this computer only: when its disk fails, all of it is gone.', sources: ['NIST SP 800-34 Rev. 1 §3.4.2 (backup methods)', 'CIS Control 11 (data recovery)'], suggestion: 'Under Settings, Safe keeping, choose a folder on another disk and press "Back up now"; from then on it happens by itself.' }, ({ keeping, audit, now }) =>
    keeping.backup !== null || audit.firstAt === null || daysBetween(audit.firstAt, now) < FIRST_BACKUP_DAYS ? null : { message: `this workspace was begun on ${dayOf(audit.firstAt)} and was never backed up`, evidence: [fact('Records', audit.events)] }),
  of({ code: 'backup_old', domain: 'secrets', severity: 'warning', title: 'The newest backup is old', rationale: 'What was exchanged since then would be lost with this computer, and could be sent a second time after it was restored.', sources: ['NIST SP 800-34 Rev. 1 §3.4.2', 'CIS Control 11.2 (automated backups)'], suggestion: 'Under Settings, Safe keeping, press "Back up now". If a folder is chosen there, see whether it can be reached.' }, ({ keeping: { backup, settings }, now }) => {
    if (backup === null) return null
    const days = daysBetween(backup.at, now)
    return days <= Math.max(OLD_BACKUP_DAYS, settings.everyDays * 2) ? null : { message: `the newest backup is ${daysText(days)} old, of ${dayOf(backup.at)}`, evidence: [fact('File', backup.file)] }
  }),
  of({ code: 'backup_lost', domain: 'secrets', severity: 'warning', title: 'The newest backup is not there any more', rationale: 'A backup that was moved, deleted or changed restores nothing on the day on which it is needed.', sources: ['NIST SP 800-34 Rev. 1 §3.4.2', 'CIS Control 11.5 (test data recovery)'], suggestion: 'Look for the file that is named. If it was moved on purpose to a safe place, keep it there and make a new one under Settings, Safe keeping.' }, ({ keeping: { backup } }) =>
    backup === null || (backup.state !== 'gone' && backup.state !== 'changed') ? null : { message: backup.state === 'gone' ? `${backup.file} is gone` : `${backup.file} is not what was written`, evidence: [fact('Written', backup.at), fact('Bytes', backup.bytes)] }),
  of({ code: 'backup_unsealed', domain: 'secrets', severity: 'error', title: 'An unencrypted database lies beside the workspace', rationale: 'Somebody copied or converted records with another program: whoever gets that file reads everything in it without a passphrase.', sources: ['CWE-312 (cleartext storage of sensitive information)', 'NIST SP 800-209 (storage security) §4.2'], suggestion: 'Ask who made the file that is named. Delete it, and use Waybill\'s own backups instead: they open with the recovery passphrase only.' }, ({ keeping: { plainCopies } }) =>
    plainCopies.length === 0 ? null : { message: plainCopies.length === 1 ? `${plainCopies[0] ?? ''} is not encrypted` : `${plainCopies.length} files are not encrypted`, evidence: plainCopies.slice(0, SHOWN).map((file) => fact('File', file)) }),
  of({ code: 'backup_same_disk', domain: 'secrets', severity: 'info', title: 'The backup lies on the same disk', rationale: 'A failing disk, a stolen computer or ransomware takes both.', sources: ['CISA: data backup options (3-2-1 rule)', 'CIS Control 11.4 (isolated copy)'], suggestion: 'Under Settings, Safe keeping, choose a folder on another disk or on a share of another computer.' }, ({ keeping: { backup } }) =>
    backup?.state === 'there' && backup.sameDisk ? { message: `${backup.file} is on the disk that it should protect from` } : null),
  of({ code: 'audit_not_anchored', domain: 'audit', severity: 'info', title: 'The audit chain has no anchor outside', rationale: 'Whoever owns this computer could write the whole chain anew. An anchor, kept where they cannot reach it, shows that at once.', sources: ['RFC 3161 §1 (proof of existence before a time)', 'NIST SP 800-92 §5.4 (log integrity)', 'Xferity: "does not replace external immutable retention"'], suggestion: 'Open Audit, press "Save an anchor", and hand the small file to somebody else or put it on a share that you cannot change. Under Settings it can happen each day.' }, ({ keeping: { anchor }, audit, now }) => {
    if (audit.firstAt === null) return null
    if (anchor === null) return daysBetween(audit.firstAt, now) < FIRST_ANCHOR_DAYS ? null : { message: `${audit.events} records, and none is anchored outside` }
    const days = daysBetween(anchor.at, now)
    return days <= OLD_ANCHOR_DAYS ? null : { message: `the newest anchor is ${daysText(days)} old and names record ${anchor.seq} of ${audit.events}` }
  }, { kind: 'audit', id: '' }),
  of({ code: 'disk_filling', domain: 'audit', severity: 'warning', title: 'The disk will be full soon', rationale: 'Nothing is sent or received that cannot be kept: on a full disk the exchange stops.', sources: ['NIST SP 800-92 §4.2 (log storage planning)'], suggestion: 'Ask for a larger disk now, or move other files away from it.' }, ({ platform: { freeBytes, grownBytes }, keeping: { settings } }) => {
    const room = freeBytes - settings.leastFreeBytes
    const daysLeft = grownBytes === 0 ? Infinity : (room / grownBytes) * MONTH_DAYS
    return room < 0 || daysLeft >= FILLING_DAYS ? null : { message: `files of the last ${MONTH_DAYS} days took ${mib(grownBytes)}; at this pace the limit of ${mib(settings.leastFreeBytes)} is reached in ${daysText(Math.floor(daysLeft))}`, evidence: [fact('Free', mib(freeBytes))] }
  }),
  platformRule({
    code: 'retention_below_agreed', domain: 'audit', severity: 'error', title: 'Files are gone that should still be kept',
    rationale: 'It was agreed to keep what was exchanged for a time: in a dispute the content can no longer be shown, only its digest.',
    sources: ['NIST SP 800-92 §4.2 (retention)', 'RFC 4998 §1 (long-term archive)'], suggestion: 'Ask who tidies up in the workspace folder, and stop it. Restore a backup into another folder to see whether the files are in it.',
    find: ({ retention }) =>
      retention.filter(({ missing }) => missing.length > 0).map(({ partner, days, missing, looked }) => ({
        subject: { kind: 'partner', id: partner, label: partner }, partner,
        message: `${missing.length} of the ${looked} oldest files of the agreed ${daysText(days)} with ${partner} are no longer in the workspace`,
        evidence: [fact('Agreed', daysText(days)), fact('Oldest missing', dayOf(missing[0]?.at ?? ''))],
        deliveries: missing.slice(0, SHOWN).map(({ id }) => id),
        open: SAFEKEEPING,
      })),
  }),
]
