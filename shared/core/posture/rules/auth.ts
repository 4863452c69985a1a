/** How we sign in at partners, and how secrets are kept. */
import type { Connection } from '../../../contract/connections/index.ts'
import { dayOf, daysBetween, daysText } from '../days.ts'
import type { PostureFacts } from '../facts.ts'
import { connectionRule, fact, platformRule, type Hit, type Rule } from '../rule.ts'
import { isLoopbackHost } from '../settings.ts'

const SECRET_DAYS = 365

export const authRules: readonly Rule[] = [
  connectionRule({
    code: 'password_only', domain: 'auth', severity: 'info', title: 'A password is used where a key would do',
    rationale: 'A password can be guessed, phished and reused, and the server sees it at each sign-in; a key never leaves this computer.',
    sources: ['RFC 4252 §7', 'NIST SP 800-63B', 'NIST IR 7966'], suggestion: 'Make an SSH key under Keys & certificates, give the partner its public part, and change the sign-in to it.',
    find: (view) => (view.connection.protocol === 'sftp' && view.connection.auth.method === 'password' ? [{ message: `${view.name} signs in as ${view.connection.username} with a password`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []),
  }),
  connectionRule({
    code: 'secret_old', domain: 'auth', severity: 'info', title: 'A password or secret key has not been changed for long',
    rationale: 'People who left and old backups may still know it.',
    sources: ['PCI DSS 4.0 §8.6.3', 'AWS IAM best practices (rotate access keys)'], suggestion: 'Ask the partner for a new one, and enter it in the connection.',
    find: (view) =>
      view.secrets.filter(({ sealedAt }) => daysBetween(sealedAt, view.facts.now) > SECRET_DAYS).map(({ field, sealedAt }) => ({ detail: field, message: `the ${field} of ${view.name} is from ${dayOf(sealedAt)}`, evidence: [fact('Entered', dayOf(sealedAt))], open: { kind: 'partner-form' as const, id: view.partner.document.id } })),
  }),
  connectionRule({
    code: 'agent_any_key', domain: 'auth', severity: 'info', title: 'The agent offers all its keys',
    rationale: 'The server learns which keys there are, and each that does not fit counts as a failed sign-in: some lock the account.',
    sources: ['OpenSSH IdentitiesOnly, MaxAuthTries'], suggestion: 'Ask whoever set the agent up which key this partner knows, and enter its fingerprint in the connection.',
    find: (view) => (view.connection.protocol === 'sftp' && view.connection.auth.method === 'agent' && view.connection.auth.key === undefined ? [{ message: `${view.name} tries each key of the SSH agent`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []),
  }),
  connectionRule({
    code: 'anonymous_account', domain: 'auth', severity: 'warning', title: 'The account is anonymous',
    rationale: 'Everybody can read, and often write, what an anonymous account can.',
    sources: ['RFC 1635', 'CISA: anonymous FTP'], suggestion: 'Ask the partner for an account of our own.',
    find: (view) => ('username' in view.connection && ['anonymous', 'ftp', 'guest'].includes(view.connection.username.toLowerCase()) ? [{ message: `${view.name} signs in as ${view.connection.username}` }] : []),
  }),
  connectionRule({
    code: 'basic_auth_plain', domain: 'auth', severity: 'error', title: 'A password travels in the clear',
    rationale: 'HTTP basic authentication without TLS shows user name and password to everything on the way.',
    sources: ['RFC 7617 §4'], suggestion: 'Ask the partner for their https address, then for a new password.',
    find: (view) => {
      const { connection } = view
      if (connection.protocol !== 'as2' || connection.http.username === undefined) return []
      const url = URL.parse(connection.url ?? '')
      return url?.protocol === 'http:' && !isLoopbackHost(url.hostname) ? [{ message: `${view.name} sends the password of ${connection.http.username} to ${url.host} without TLS`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []
    },
  }),
  connectionRule({
    code: 's3_whole_bucket', domain: 'auth', severity: 'warning', title: 'The whole bucket is shared',
    rationale: 'Without a prefix nothing separates this partner\'s files from others in the same bucket.',
    sources: ['AWS: grant least privilege, prefix conditions'], suggestion: 'Agree on a prefix with the partner, like acme/in/, and let the access key be limited to it.',
    find: (view) => (view.connection.protocol === 's3' && view.connection.prefix === '' ? [{ message: `${view.name} uses the whole bucket ${view.connection.bucket}`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []),
  }),
  connectionRule({
    code: 's3_key_too_wide', domain: 'auth', severity: 'warning', title: 'The access key reaches beyond its prefix',
    rationale: 'With this key other partners\' files in the bucket can be listed or overwritten: by mistake, or by whoever gets hold of the key.',
    sources: ['AWS IAM: least privilege, s3:prefix conditions', 'NIST SP 800-53 AC-6'], suggestion: 'Send the owner of the bucket what the test showed, and ask for a key that is limited to the prefix. Then test the connection again.',
    find: ({ test, name, connection }) => {
      const reaches = Object.entries(test?.boundary ?? {}).filter(([, value]) => value.startsWith('PERMITTED'))
      return connection.protocol !== 's3' || test === null || reaches.length === 0 ? [] : [{ message: `${name}: ${reaches.map(([label]) => label.toLowerCase()).join(' and ')} is permitted`, evidence: [...reaches.map(([label]) => fact(label, 'permitted by the server')), fact('Tested', test.at)] }]
    },
  }),
  connectionRule({
    code: 's3_boundary_untested', domain: 'auth', severity: 'info', title: 'It is not known how far the access key reaches',
    rationale: 'Only a test shows whether the store keeps the key to the prefix; owners change permissions without telling.',
    sources: ['AWS IAM: least privilege', 'NIST SP 800-53 CA-7 (continuous monitoring)'], suggestion: 'Press "Test connection" on the partner\'s page; it tries the boundary without leaving anything behind.',
    find: ({ test, name, connection, facts, partner }) => {
      if (connection.protocol !== 's3' || connection.prefix === '' || partner.practice) return []
      const days = test === null ? null : daysBetween(test.at, facts.now)
      const known = test !== null && Object.values(test.boundary).some((value) => value.startsWith('PERMITTED') || value.startsWith('refused'))
      return known && days !== null && days <= SECRET_DAYS ? [] : [{ message: days === null ? `${name} was never tested` : known ? `${name} was last tested ${daysText(days)} ago` : `the last test of ${name} did not show it` }]
    },
  }),
  connectionRule({
    code: 's3_not_encrypted', domain: 'secrets', severity: 'info', title: 'No encryption at rest is asked for',
    rationale: 'Amazon encrypts by itself; other stores do so only when asked.',
    sources: ['AWS: S3 encrypts new objects since January 2023'], suggestion: 'Choose AES256 in the connection if the store offers it, or protect files with OpenPGP.',
    find: (view) => (view.connection.protocol === 's3' && view.connection.endpoint !== undefined && view.connection.encryption === 'none' && (view.connection.pgp === undefined || view.connection.pgp.outbound === 'none' || view.connection.pgp.outbound === 'sign') ? [{ message: `${view.name} stores files at ${view.connection.endpoint} without asking for encryption`, open: { kind: 'partner-form', id: view.partner.document.id } }] : []),
  }),
  platformRule({ code: 'credentials_shared', domain: 'auth', severity: 'info', title: 'Several partners share one account', rationale: 'What is put there for one is open to the other, and a changed password stops both.', sources: ['PCI DSS 4.0 §8.2.2', 'NIST SP 800-53 IA-4'], suggestion: 'Ask for an account for each, or make them connections of one partner.', find: sharedAccounts }),
]

const accountOf = (connection: Connection): string | null => {
  if (connection.protocol === 'sftp' || connection.protocol === 'ftps') return `${connection.username}@${connection.host.toLowerCase()}:${connection.port ?? 21}`
  if (connection.protocol === 's3' && connection.credentials.kind === 'static') return `${connection.credentials.accessKeyId} at ${connection.endpoint ?? 'Amazon S3'}`
  return null
}

function sharedAccounts({ partners }: PostureFacts): Hit[] {
  const accounts = partners.flatMap(({ document }) => document.connections.flatMap((connection) => {
    const account = accountOf(connection)
    return account === null ? [] : [{ account, partner: document.id, name: document.name }]
  }))
  return [...Map.groupBy(accounts, ({ account }) => account)].flatMap(([account, uses]) => {
    const partnersOf = [...new Set(uses.map(({ partner }) => partner))].toSorted()
    const [first = ''] = partnersOf
    return partnersOf.length < 2 ? [] : [{ subject: { kind: 'partner' as const, id: first, label: uses[0]?.name ?? first }, detail: account, message: `${partnersOf.join(', ')} sign in with the same account ${account}`, evidence: [fact('Account', account), fact('Partners', partnersOf.join(', '))] }]
  })
}
