/** How we sign in at partners, and how secrets are kept. */
import type { Connection } from '../../../contract/connections/index.ts'
import { dayOf, daysBetween } from '../days.ts'
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
    sources: ['OpenSSH IdentitiesOnly, MaxAuthTries'], suggestion: 'Name the one key of the agent in the connection.',
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
