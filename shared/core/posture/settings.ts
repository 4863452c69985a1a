/** Questions about a connection's settings that several rules ask. Pure. */
import type { PgpSettings, ProxySettings, TlsSettings } from '../../contract/connections/common.ts'
import type { Connection } from '../../contract/connections/index.ts'

export function pgpSettingsOf(connection: Connection): PgpSettings | null {
  return 'pgp' in connection && connection.pgp !== undefined ? connection.pgp : null
}

export function allowedPgp(pgp: PgpSettings | null): { readonly signs: boolean; readonly encrypts: boolean; readonly opens: boolean; readonly verifies: boolean } {
  return {
    signs: pgp?.outbound === 'sign' || pgp?.outbound === 'sign-and-encrypt',
    encrypts: pgp?.outbound === 'encrypt' || pgp?.outbound === 'sign-and-encrypt',
    opens: pgp?.inbound === 'open',
    verifies: pgp?.inbound === 'open' && pgp.requireSignature,
  }
}

/** Null where no TLS is spoken: SFTP, folders, and addresses that begin with http. */
export function tlsOf(connection: Connection): TlsSettings | null {
  if (connection.protocol === 'sftp' || connection.protocol === 'folder') return null
  const address = connection.protocol === 'as2' ? connection.url : connection.protocol === 's3' ? connection.endpoint : undefined
  if (connection.protocol === 'as2' && address === undefined) return null
  return address?.toLowerCase().startsWith('http:') === true ? null : connection.tls
}

/** The host of an address that is reached without TLS and is not this computer; null else. */
export function plainHostOf(connection: Connection): string | null {
  const address = connection.protocol === 'as2' ? connection.url : connection.protocol === 's3' ? connection.endpoint : undefined
  const url = address === undefined ? null : URL.parse(address)
  if (url === null || url.protocol !== 'http:') return null
  return isLoopbackHost(url.hostname) ? null : url.host
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || host.startsWith('127.')
}

export function proxyOf(connection: Connection): ProxySettings | null {
  if (connection.protocol === 'as2') return connection.http.proxy ?? null
  return 'proxy' in connection ? (connection.proxy ?? null) : null
}
