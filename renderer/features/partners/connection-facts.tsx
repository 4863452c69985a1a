import type { ReactNode } from 'react'
import type { Connection } from '../../../shared/contract/connections/index.ts'
import type { SignIn } from '../../../shared/contract/connections/sftp.ts'
import { Facts } from '../../ui/facts.tsx'

type Rows = readonly (readonly [string, ReactNode])[]

const SIGN_INS = { password: 'Password (sealed)', key: 'Private key (sealed)', agent: 'Key of the SSH agent' } as const

function signInText(auth: SignIn): string {
  return auth.method !== 'password' && auth.password !== undefined ? `${SIGN_INS[auth.method]}, then password (sealed)` : SIGN_INS[auth.method]
}

function throughText(...hops: readonly ({ readonly host: string; readonly port: number } | undefined)[]): string | null {
  return hops.flatMap((hop) => (hop === undefined ? [] : [`${hop.host}:${hop.port}`])).join(', then ') || null
}

function rowsOf(connection: Connection): Rows {
  switch (connection.protocol) {
    case 'sftp':
      return [
        ['Protocol', 'SFTP'],
        ['Server', `${connection.host}:${connection.port}`],
        ['User name', connection.username],
        ['Sign-in', signInText(connection.auth)],
        ['Through', throughText(connection.proxy, connection.jump)],
        ['Folder there', connection.folder],
      ]
    case 'ftps':
      return [
        ['Protocol', `FTPS, ${connection.mode} TLS`],
        ['Server', connection.port === undefined ? connection.host : `${connection.host}:${connection.port}`],
        ['User name', connection.username],
        ['Through', throughText(connection.proxy)],
        ['Folder there', connection.folder],
      ]
    case 's3':
      return [
        ['Protocol', 'S3'],
        ['Endpoint', connection.endpoint ?? `Amazon S3, ${connection.region}`],
        ['Bucket', connection.bucket],
        ['Prefix', connection.prefix === '' ? 'none: the whole bucket' : connection.prefix],
        ['Through', throughText(connection.proxy)],
      ]
    case 'folder':
      return [
        ['Protocol', 'Folder'],
        ['Share', connection.path],
        ['Folder below it', connection.folder],
      ]
    case 'as2':
      return [
        ['Protocol', 'AS2'],
        ['Their identifier', connection.as2Id],
        ['Their address', connection.url ?? 'none: we only receive'],
        ['Receipt', connection.receipt.request === 'none' ? 'none' : `${connection.receipt.request}, ${connection.receipt.mode}`],
      ]
  }
}

const AFTER = { leave: 'left there', delete: 'deleted there', move: 'moved there' } as const
const PGP_OUT = { none: null, sign: 'signed', encrypt: 'encrypted', 'sign-and-encrypt': 'signed and encrypted' } as const

function receiveText(connection: Connection): string | null {
  if (connection.protocol === 'as2') return [connection.inbound.requireSigned ? 'signed' : '', connection.inbound.requireEncrypted ? 'encrypted' : ''].filter(Boolean).join(' and ') || 'any message'
  const { receive } = connection
  return receive === undefined ? null : `${receive.patterns.join(', ')} from ${receive.folder}; afterwards ${AFTER[receive.after]}`
}

function sendText(connection: Connection): string | null {
  if (connection.protocol !== 'as2') return null
  const { sign, encrypt, compress, digest, cipher } = connection.message
  return [sign ? `signed (${digest})` : '', encrypt ? `encrypted (${cipher})` : '', compress === 'none' ? '' : 'compressed'].filter(Boolean).join(', ') || 'unprotected'
}

function pgpText(connection: Connection): string | null {
  if (connection.protocol === 'as2' || connection.pgp === undefined) return null
  const { outbound, inbound, requireSignature } = connection.pgp
  const out = PGP_OUT[outbound]
  return [out === null ? '' : `ours are ${out}`, inbound === 'open' ? `theirs are opened${requireSignature ? ' and must be signed' : ''}` : ''].filter(Boolean).join('; ') || null
}

/** What a connection is, for people. */
export function ConnectionFacts({ connection }: { readonly connection: Connection }) {
  const isPlain = connection.protocol === 'as2' && (connection.url ?? 'http://').startsWith('http://')
  const identity = 'tls' in connection && !isPlain ? (connection.tls.trust === 'pinned' ? 'pinned certificates only' : 'an authority and the right name') : null
  return <Facts items={[...rowsOf(connection), ['Server known by', identity], ['We send', sendText(connection)], ['We receive', receiveText(connection)], ['OpenPGP', pgpText(connection)]]} />
}
