/** What will happen to a file, in words, before anything is sent. Pure. */
import type { Fact } from '../../contract/common.ts'
import type { Connection } from '../../contract/connections/index.ts'
import { addressOf } from '../partners/rules.ts'

/** `us@sftp.example.com, folder in`. */
export function describeTarget(connection: Connection): string {
  const address = addressOf(connection)
  switch (connection.protocol) {
    case 'sftp':
    case 'ftps':
      return `${connection.username}@${address}, folder ${connection.folder}`
    case 's3':
    case 'folder':
      return connection.folder === '.' ? address : `${address}, folder ${connection.folder}`
    case 'as2':
      return `${connection.as2Id} at ${address}`
  }
}

const TRANSPORT: Readonly<Record<Connection['protocol'], string>> = {
  sftp: 'SFTP (encrypted, server identity checked)',
  ftps: 'FTPS (encrypted, server identity checked)',
  s3: 'S3 over HTTPS (encrypted, server identity checked)',
  folder: 'A folder of this computer or network, as it is',
  as2: 'AS2',
}

const PGP = { none: 'none', sign: 'OpenPGP: signed', encrypt: 'OpenPGP: encrypted', 'sign-and-encrypt': 'OpenPGP: signed and encrypted' } as const

/** How a file is protected on its way. */
export function protectionOf(connection: Connection, pinned: readonly string[]): Fact[] {
  const facts: Fact[] = [{ label: 'Transport', value: connection.protocol === 's3' && isPlain(connection) ? 'S3 over HTTP (not encrypted)' : TRANSPORT[connection.protocol] }]
  if (connection.protocol === 'folder') return [...facts, ...pgpFact(connection)]
  facts.push({ label: 'Server identity', value: identityOf(connection, pinned) })
  if (connection.protocol !== 'as2') return [...facts, ...pgpFact(connection)]
  const { sign, encrypt, cipher, digest, together } = connection.message
  const message = [sign ? `signed (${digest})` : '', encrypt ? `encrypted (${cipher})` : ''].filter((part) => part !== '').join(', ') || 'neither signed nor encrypted'
  const several = together ? [{ label: 'Several files', value: 'together in one message' }] : []
  return [...facts, { label: 'Message', value: message }, ...several, { label: 'Receipt', value: connection.receipt.request === 'none' ? 'none asked for' : `${connection.receipt.request}, ${connection.receipt.mode}` }]
}

function identityOf(connection: Exclude<Connection, { protocol: 'folder' }>, pinned: readonly string[]): string {
  if (isPlain(connection)) return 'not checked: HTTP without TLS'
  if (pinned.length > 0) return pinned.join(', ')
  return connection.protocol === 'sftp' || connection.tls.trust === 'pinned' ? 'not confirmed yet' : 'by an authority'
}

/** Whether nothing encrypts the way itself; a dated exception permits it outside this computer. */
function isPlain(connection: Connection): boolean {
  const address = connection.protocol === 'as2' ? connection.url : connection.protocol === 's3' ? connection.endpoint : undefined
  return address?.toLowerCase().startsWith('http://') === true
}

function pgpFact({ pgp }: Extract<Connection, { pgp?: unknown }>): Fact[] {
  return pgp === undefined || pgp.outbound === 'none' ? [] : [{ label: 'Content', value: PGP[pgp.outbound] }]
}
