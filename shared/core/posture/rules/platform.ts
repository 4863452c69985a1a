/** This computer, the workspace and the audit chain. */
import { DAY_MS, dayOf, daysBetween, daysText } from '../days.ts'
import type { PlatformFacts, PostureFacts } from '../facts.ts'
import { fact, platformRule, type Hit, type Rule, type RuleText } from '../rule.ts'
import { ELECTRON_ENDS, endOf, NODE_ENDS } from '../runtime-support.ts'
import { isLoopbackHost } from '../settings.ts'

/** The card of the settings that it concerns. */
function cardOf(code: string): string {
  if (code.startsWith('receiver_') || code === 'receipts_not_posted') return 'receiver'
  return code === 'disk_low' ? 'safekeeping' : 'workspace'
}

function of(text: RuleText, find: (platform: PlatformFacts, facts: PostureFacts) => Omit<Hit, 'open'> | null, open: NonNullable<Hit['open']> = { kind: 'settings', id: cardOf(text.code) }): Rule {
  return platformRule({
    ...text,
    find: (facts) => {
      const hit = find(facts.platform, facts)
      return hit === null ? [] : [{ open, ...hit }]
    },
  })
}

const NO_BYTES = 200 * 1024 ** 2
const LEAST_NODE = 24
const VERIFY_DAYS = 30
const OLD_BUILD_DAYS = 180
const VERY_OLD_BUILD_DAYS = 365
const SKEW_MS = 60_000

const SYNCED = /(^|[\\/])(OneDrive( - [^\\/]+)?|Dropbox( \([^\\/]+\))?|Google ?Drive|GoogleDrive|My Drive|iCloud ?Drive|com~apple~CloudDocs|Mobile Documents|Nextcloud|ownCloud|pCloudDrive|Box Sync|Syncthing|Sync)([\\/]|$)/i

export const platformRules: readonly Rule[] = [
  of({ code: 'keychain_missing', domain: 'secrets', severity: 'info', title: 'Only the passphrase opens the workspace', rationale: 'Without the system\'s keychain somebody has to type the passphrase at each start, or it lies in a file.', sources: ['NIST SP 800-57 Part 1 Rev. 5 §8.2.1'], suggestion: 'Sign in to the desktop, start Waybill, and enter the passphrase with "remember the key" ticked. Where there is no desktop, see that the file with the passphrase can be read by its owner only.' }, ({ keyInKeychain }) => (keyInKeychain ? null : { message: 'the key of this workspace is not in the keychain' })),
  of({ code: 'keychain_fallback', domain: 'secrets', severity: 'warning', title: 'The keychain did not give the key', rationale: 'This workspace was set up to open with the keychain, and the passphrase had to do. Without somebody who types it, nothing starts after the next restart of the computer.', sources: ['NIST SP 800-57 Part 1 Rev. 5 §8.2.1', 'freedesktop.org Secret Service: a locked collection gives nothing'], suggestion: 'Sign in to the desktop and unlock its keychain, then start Waybill again and let it remember the key.' }, ({ keyInKeychain, keychainAnswered }) => (keyInKeychain && keychainAnswered === false ? { message: 'it was opened with the passphrase, because the keychain did not answer' } : null)),
  platformRule({
    code: 'secret_file_readable', domain: 'secrets', severity: 'error', title: 'A file with a secret can be read by others',
    rationale: 'Each account on this computer, and each program that it runs, can take the secret and open the workspace or sign in as us.',
    sources: ['CWE-732 (incorrect permission assignment)', 'OpenSSH StrictModes', 'AWS CLI: credentials file'], suggestion: 'Let only the account that runs Waybill read the file that is named (chmod 600), or ask whoever looks after this computer to do so.',
    find: ({ platform: { secretFiles }, partners }) => {
      const usesProfile = partners.some(({ document }) => document.connections.some((connection) => connection.protocol === 's3' && connection.credentials.kind !== 'static'))
      return secretFiles.filter(({ what, mode }) => (mode & 0o077) !== 0 && (what === 'passphrase' || usesProfile)).map(({ what, file, mode }) => ({ detail: what, message: `${file} holds ${what === 'passphrase' ? 'the passphrase of this workspace' : 'access keys of S3 stores'} and has the permissions ${mode.toString(8)}`, evidence: [fact('File', file)], open: { kind: 'settings' as const, id: 'workspace' } }))
    },
  }),
  of({ code: 'workspace_readable', domain: 'secrets', severity: 'error', title: 'Others can read the workspace folder', rationale: 'What is in it is encrypted, but names, sizes and times are not, and a copy can be attacked in peace.', sources: ['CWE-732', 'OpenSSH StrictModes'], suggestion: 'Let only the account that runs Waybill open the folder (chmod 700), or ask whoever looks after this computer to do so.' }, ({ folderMode, folder }) => (folderMode !== null && (folderMode & 0o077) !== 0 ? { message: `${folder} can be opened by other accounts of this computer`, evidence: [fact('Permissions', folderMode.toString(8).padStart(3, '0'))] } : null)),
  of({ code: 'workspace_synced', domain: 'platform', severity: 'error', title: 'The workspace lies in a folder that is synchronised', rationale: 'Programs that copy files while they are written damage databases, and a second computer then runs the same jobs.', sources: ['SQLite: How To Corrupt An Database File §1.4', 'Waybill: one process owns a workspace'], suggestion: 'Close Waybill, move the folder to a place on this computer that is not synchronised, and open it there.' }, ({ folder }) => (SYNCED.test(folder) ? { message: `${folder} belongs to a synchronising program` } : null)),
  of({ code: 'disk_low', domain: 'audit', severity: 'warning', title: 'The disk is nearly full', rationale: 'Files are copied into the workspace before they are sent, and nothing is sent that cannot be recorded.', sources: ['NIST SP 800-92 §4.2 (log storage)'], suggestion: 'Free some space on this disk, or ask for a larger one.' }, ({ freeBytes }, { keeping: { settings } }) => (freeBytes >= settings.leastFreeBytes ? null : { severity: freeBytes < NO_BYTES ? 'error' : 'warning', message: `${Math.round(freeBytes / 1024 ** 2)} MiB are free` })),
  of({ code: 'runtime_outdated', domain: 'platform', severity: 'error', title: 'The runtime gets no repairs any more', rationale: 'Holes that are found in it from now on stay open: it reads everything that partners send.', sources: ['Node.js Release Working Group: schedule.json', 'NIST SP 800-53 SA-22 (unsupported components)'], suggestion: 'Install the current Waybill; it brings its own runtime.' }, ({ nodeVersion }, { now }) => {
    const end = endOf(NODE_ENDS, nodeVersion)
    if (Number(nodeVersion.split('.')[0]) >= LEAST_NODE && (end === null || now <= Date.parse(end) + DAY_MS)) return null
    return { message: `Node ${nodeVersion} runs${end === null ? '' : `; it is mended until ${end}`}`, evidence: [fact('Version', nodeVersion)] }
  }),
  of({ code: 'shell_outdated', domain: 'platform', severity: 'warning', title: 'The desktop shell gets no repairs any more', rationale: 'The window shows names and texts that strangers sent; known holes of the browser inside it stay open.', sources: ['Electron: support for the three newest versions (releases.electronjs.org/schedule)', 'NIST SP 800-53 SA-22'], suggestion: 'Install the current Waybill; the shell is part of it.' }, ({ shellVersion }, { now }) => {
    const end = shellVersion === null ? null : endOf(ELECTRON_ENDS, shellVersion)
    return end === null || now <= Date.parse(end) + DAY_MS ? null : { message: `Electron ${shellVersion ?? ''} was mended until ${end}`, evidence: [fact('Version', shellVersion ?? '')] }
  }),
  of({ code: 'waybill_outdated', domain: 'platform', severity: 'info', title: 'This Waybill is old', rationale: 'Waybill asks nobody whether there is a newer one. Repairs of it, and of the libraries in it, come about every month.', sources: ['NIST SP 800-40 Rev. 4 (patch management)', 'CIS Control 7.4'], suggestion: 'Ask whoever installed Waybill for the current version. Make a backup first.' }, ({ builtAt }, { now }) => {
    const days = builtAt === null ? 0 : daysBetween(builtAt, now)
    return builtAt === null || days < OLD_BUILD_DAYS ? null : { severity: days < VERY_OLD_BUILD_DAYS ? 'info' : 'warning', message: `it was built ${daysText(days)} ago, on ${dayOf(builtAt)}` }
  }),
  of({ code: 'primitives_failed', domain: 'platform', severity: 'error', title: 'A self-test of the cryptography failed', rationale: 'What it protects cannot be relied upon.', sources: ['ISO/IEC 19790 (self-tests), FIPS 140-3'], suggestion: 'Do not exchange files with this installation; install Waybill again.' }, ({ failedPrimitives }) => (failedPrimitives.length === 0 ? null : { message: `failed: ${failedPrimitives.join(', ')}` })),
  of({ code: 'clock_skew', domain: 'platform', severity: 'warning', title: 'The clock is wrong', rationale: 'Certificates are judged by it, schedules run by it, and records lose their worth as evidence.', sources: ['RFC 5905', 'NIST SP 800-92'], suggestion: 'Switch "set time automatically" on in the system\'s settings.' }, ({ clockSkewMs }, { audit, now }) => {
    const ahead = audit.lastAt === null ? 0 : Date.parse(audit.lastAt) - now
    if (Math.abs(clockSkewMs) > SKEW_MS) return { message: `the disk's clock differs by ${Math.round(clockSkewMs / 1000)} seconds` }
    return ahead > SKEW_MS ? { message: `the newest record is from ${audit.lastAt ?? ''}, which is in the future` } : null
  }),
  of({ code: 'receiver_exposed', domain: 'platform', severity: 'info', title: 'The AS2 receiver listens on every interface', rationale: 'It can be reached from each network that this computer is in, guest networks too.', sources: ['CWE-1327', 'CIS benchmarks: bind to needed addresses'], suggestion: 'Under Settings, AS2 receiver, enter the one address that partners reach; or ask our network people to let only the partners in.' }, ({ receiver }) => (receiver.enabled && (receiver.host === '0.0.0.0' || receiver.host === '::') ? { severity: receiver.tls ? 'info' : 'warning', message: `the receiver listens on ${receiver.host}:${receiver.port}${receiver.tls ? '' : ' without TLS'}` } : null)),
  of({ code: 'receiver_anonymous', domain: 'auth', severity: 'error', title: 'The receiver takes files from anybody', rationale: 'It listens beyond this computer, and from a partner it accepts messages that nobody signed: whoever knows two names can put files into the Inbox.', sources: ['RFC 4130 §2.4.2 (signed messages authenticate the sender)', 'CWE-306 (missing authentication)', 'OpenAS2 default reject_unsigned_messages=false'], suggestion: 'Ask the partners that are named to sign, then switch "Must be signed" on for each. Until then, let the firewall admit their addresses only.' }, ({ receiver }, { partners }) => {
    if (!receiver.enabled || isLoopbackHost(receiver.host)) return null
    const open = partners.filter(({ suspended, document }) => !suspended && document.connections.some((connection) => connection.protocol === 'as2' && !connection.inbound.requireSigned))
    return open.length === 0 ? null : { message: `${receiver.host}:${receiver.port} takes unsigned messages of ${open.length === 1 ? '1 partner' : `${open.length} partners`}`, evidence: [fact('Partners', open.map(({ document }) => document.id).slice(0, 10).join(', '))], ...(open.length === 1 ? { partner: open[0]?.document.id ?? null } : {}) }
  }, { kind: 'settings', id: 'receiver' }),
  of({ code: 'receiver_plain', domain: 'transport', severity: 'info', title: 'The AS2 receiver has no TLS', rationale: 'Without a proxy in front that does it, headers and unencrypted messages can be read on the way.', sources: ['RFC 4130 §9'], suggestion: 'Ask our network people whether something in front of the receiver does TLS. If not, switch HTTPS on under Settings, AS2 receiver.' }, ({ receiver }) => (receiver.enabled && !receiver.tls && !isLoopbackHost(receiver.host) && receiver.host !== '0.0.0.0' && receiver.host !== '::' ? { message: `the receiver listens on ${receiver.host}:${receiver.port} without TLS` } : null)),
  of({ code: 'receiver_old_http', domain: 'transport', severity: 'info', title: 'The receiver takes HTTP as old products write it', rationale: 'Folded header lines and blanks where none belong are read differently by different programs. Behind a proxy, one request can then pass for two.', sources: ['RFC 9112 §5.2 and §11.2 (request smuggling)', 'CWE-444'], suggestion: 'Under Settings, AS2 receiver, switch it off unless a partner is known to need it, and never use it behind a proxy.' }, ({ receiver }) => (receiver.enabled && receiver.oldHttp ? { severity: isLoopbackHost(receiver.host) ? 'warning' : 'info', message: `the receiver on ${receiver.host}:${receiver.port} reads old HTTP${isLoopbackHost(receiver.host) ? ', and on this address only something in front of it can be reached from outside' : ''}` } : null)),
  of({ code: 'receiver_down', domain: 'platform', severity: 'error', title: 'The AS2 receiver does not run', rationale: 'Partners get no connection: their messages and receipts are lost or late.', sources: ['RFC 4130 §5.5'], suggestion: 'Under Settings, AS2 receiver, read the reason, choose another port if it is taken, and start it again.' }, ({ receiver }) => (receiver.problem !== null && !receiver.listening ? { message: `the receiver could not be started: ${receiver.problem}` } : null)),
  of({ code: 'receiver_needed', domain: 'platform', severity: 'warning', title: 'The AS2 receiver is off and would be needed', rationale: 'Receipts that come later are posted to our receiver; while it is off, deliveries wait and are given up.', sources: ['RFC 4130 §7.2 (asynchronous receipts)'], suggestion: 'Start the receiver under Settings, AS2 receiver; or edit the partners that are named and let receipts come back at once (sync).' }, ({ receiver }, { partners }) => {
    if (receiver.enabled || receiver.listening) return null
    const waiting = partners.filter(({ suspended, document }) => !suspended && document.connections.some((connection) => connection.protocol === 'as2' && connection.url !== undefined && connection.receipt.request !== 'none' && connection.receipt.mode === 'async'))
    return waiting.length === 0 ? null : { message: `${waiting.length === 1 ? '1 partner posts' : `${waiting.length} partners post`} receipts to us`, evidence: [fact('Partners', waiting.map(({ document }) => document.id).slice(0, 10).join(', '))] }
  }),
  of({ code: 'receipts_not_posted', domain: 'platform', severity: 'warning', title: 'Receipts of ours could not be posted', rationale: 'The partner believes that nothing arrived and sends again.', sources: ['RFC 4130 §7.2'], suggestion: 'Ask the partner whether their address for receipts is still right and reachable, and correct it in the connection.' }, ({ receiver }) => (receiver.queuedReceipts >= 3 ? { message: `${receiver.queuedReceipts} receipts wait to be posted` } : null)),
  of({ code: 'station_missing', domain: 'platform', severity: 'warning', title: 'Our own identity is not entered', rationale: 'AS2 messages name us by our identifier; without it none can be sent.', sources: ['RFC 4130 §6.2'], suggestion: 'Enter company name and AS2 identifier under Settings.' }, (_, { station, partners }) => (station?.as2 === undefined && partners.some(({ document }) => document.connections.some((connection) => connection.protocol === 'as2' && connection.ourAs2Id === undefined)) ? { message: 'there are AS2 partners, and our station has no AS2 identifier' } : null), { kind: 'settings', id: 'station' }),
  of({ code: 'audit_not_verified', domain: 'audit', severity: 'info', title: 'The audit chain was not verified for long', rationale: 'A chain proves something only to those who look; damage that is found late cannot be mended from a backup.', sources: ['NIST SP 800-92', 'Xferity: "does not replace external immutable retention"'], suggestion: 'Open Audit and press Verify; once a month is enough.' }, (_, { audit, now }) => {
    if (audit.firstAt === null || daysBetween(audit.firstAt, now) < VERIFY_DAYS) return null
    if (audit.verified === null) return { message: `${audit.events} records, and the chain was never verified` }
    const days = daysBetween(audit.verified.at, now)
    return days < VERIFY_DAYS ? null : { message: `the chain was last verified ${daysText(days)} ago, on ${dayOf(audit.verified.at)}` }
  }, { kind: 'audit', id: '' }),
  of({ code: 'audit_broken', domain: 'audit', severity: 'error', title: 'The audit chain does not hold', rationale: 'A record was changed, removed or inserted: from there on the chain proves nothing.', sources: ['ISO/IEC 27037 (integrity of evidence)'], suggestion: 'Copy the workspace folder as it is, restore the last backup into another folder, and compare both with somebody who knows.' }, (_, { audit }) => (audit.verified?.ok === false ? { message: `the verification of ${dayOf(audit.verified.at)} found a bad record` } : null), { kind: 'audit', id: '' }),
]
