/** Which roles a connection makes use of. Pure. */
import { demandsCertificate } from '../../contract/connections/as2.ts'
import type { Connection } from '../../contract/connections/index.ts'
import type { Role } from '../../contract/trust.ts'

/** Whether a connection, as it is set, makes use of a role. `ofStation`: by an item of our station's, that all partners meet. */
export function needs(connection: Connection, role: Role, ofStation: boolean): boolean {
  if (role === 'tls-server' && ofStation) return connection.protocol === 'as2'
  if (role === 'tls-caller') return connection.protocol === 'as2' && demandsCertificate(connection) && !ofStation
  if (role.startsWith('ssh-')) return connection.protocol === 'sftp' && (role !== 'ssh-jump' || connection.jump !== undefined)
  if (role.startsWith('pgp-')) return needsPgp(connection, role)
  if (role.startsWith('tls-')) return connection.protocol === 'ftps' || connection.protocol === 's3' || (connection.protocol === 'as2' && (connection.url?.startsWith('https:') ?? true))
  if (connection.protocol !== 'as2') return false
  if (role === 'verify') return connection.inbound.requireSigned || connection.receipt.request === 'signed'
  if (role === 'encrypt') return connection.url !== undefined && connection.message.encrypt
  return true
}

function needsPgp(connection: Connection, role: Role): boolean {
  const pgp = 'pgp' in connection ? connection.pgp : undefined
  if (pgp === undefined) return false
  switch (role) {
    case 'pgp-sign':
      return pgp.outbound === 'sign' || pgp.outbound === 'sign-and-encrypt'
    case 'pgp-encrypt':
      return pgp.outbound === 'encrypt' || pgp.outbound === 'sign-and-encrypt'
    case 'pgp-verify':
      return pgp.inbound === 'open' && pgp.requireSignature
    default:
      return pgp.inbound === 'open'
  }
}
