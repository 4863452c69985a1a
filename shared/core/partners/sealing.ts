/** What a connection brings along besides its settings: secrets are sealed, keys and pins go to the inventory. */
import { CONNECTION_SECRETS, type Connection } from '../../contract/connections/index.ts'
import type { SecretInput, SecretPlace } from '../../contract/connections/common.ts'
import type { SftpConnection } from '../../contract/connections/sftp.ts'
import type { Actor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustService } from '../trust/service.ts'
import { secretId, secretText } from './rules.ts'

export interface Sealing {
  /** Seals and pins; answers the connection as it is stored. Call it inside a transaction. */
  seal(partner: string, connection: Connection, before: Connection | undefined, actor: Actor): { stored: Connection; changed: boolean }
  /** Secret values by field name. */
  secrets(partner: string, connection: Connection): Record<string, string>
  /** Removes what is sealed for a connection that is no more. */
  forget(partner: string, connection: Connection): void
}

export function createSealing({ trust, secrets }: { readonly trust: TrustService; readonly secrets: SealedSecrets }): Sealing {
  /** Answers whether the sealed value changed. */
  const sealAt = (partner: string, connection: Connection, { path, field }: SecretPlace): boolean => {
    const id = secretId(partner, connection.id, field)
    const given = valueAt(connection, path) as SecretInput | undefined
    const sealed = secrets.get(id)
    if (given === undefined) {
      if (sealed !== null) secrets.delete(id)
      return sealed !== null
    }
    const where = `connections.${connection.id}.${path.join('.')}`
    const text = secretText(given, where)
    if (text === null && sealed === null) throw new AppError('input.invalid', `${where}: nothing is sealed yet; give the value`)
    if (text === null || text === sealed) return false
    secrets.put(id, text)
    return true
  }

  const sealSecrets = (partner: string, connection: Connection): { stored: Connection; changed: boolean } => {
    let changed = false
    let stored = connection
    for (const place of CONNECTION_SECRETS[connection.protocol]) {
      changed = sealAt(partner, connection, place) || changed
      if (valueAt(connection, place.path) !== undefined) stored = withValueAt(stored, place.path, { sealed: true })
    }
    return { stored, changed }
  }

  const clientKeyItem = (partner: string, connection: SftpConnection, before: Connection | undefined, auth: Extract<SftpConnection['auth'], { method: 'key' }>, actor: Actor): string => {
    const path = `connections.${connection.id}.auth`
    const text = auth.privateKey === undefined ? null : secretText(auth.privateKey, `${path}.privateKey`)
    if (text === null) {
      const kept = before?.protocol === 'sftp' && before.auth.method === 'key' ? before.auth.item : undefined
      if (kept === undefined) throw new AppError('input.invalid', `${path}.privateKey: no key is sealed yet; give the private key`)
      return kept
    }
    const passphrase = auth.passphrase === undefined ? null : secretText(auth.passphrase, `${path}.passphrase`)
    return trust.addClientKey(text, passphrase ?? undefined, `Key for ${partner}/${connection.id}`, actor).id
  }

  const sealSftp = (partner: string, connection: SftpConnection, before: Connection | undefined, actor: Actor): { stored: SftpConnection; changed: boolean } => {
    const { hostKeys, ...rest } = connection
    const changed = hostKeys !== undefined && trust.syncPins(partner, connection.id, hostKeys, actor)
    const { auth } = connection
    const item = auth.method === 'key' ? (auth.item ?? clientKeyItem(partner, connection, before, auth, actor)) : null
    trust.syncClientKey(partner, connection.id, item, actor)
    return { stored: item === null ? rest : { ...rest, auth: { method: 'key', item } }, changed }
  }

  const sealTrust = (partner: string, connection: Connection, before: Connection | undefined, actor: Actor): { stored: Connection; changed: boolean } => {
    if (connection.protocol === 'sftp') return sealSftp(partner, connection, before, actor)
    if (connection.protocol === 'folder') return { stored: connection, changed: false }
    const { pins, ...tls } = connection.tls
    const changed = pins !== undefined && trust.materials.syncTlsPins(partner, connection.id, pins, actor)
    return { stored: { ...connection, tls }, changed }
  }

  return {
    seal(partner, connection, before, actor) {
      const sealed = sealSecrets(partner, connection)
      const trusted = sealTrust(partner, sealed.stored, before, actor)
      return { stored: trusted.stored, changed: sealed.changed || trusted.changed }
    },

    secrets(partner, connection) {
      const found: Record<string, string> = {}
      for (const { field } of CONNECTION_SECRETS[connection.protocol]) {
        const value = secrets.get(secretId(partner, connection.id, field))
        if (value !== null) found[field] = value
      }
      if (connection.protocol === 'sftp' && connection.auth.method === 'key' && connection.auth.item !== undefined) found['privateKey'] = trust.clientKey(connection.auth.item)
      return found
    },

    forget(partner, connection) {
      for (const { field } of CONNECTION_SECRETS[connection.protocol]) secrets.delete(secretId(partner, connection.id, field))
    },
  }
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined), value)
}

function withValueAt<T>(value: T, [name, ...rest]: readonly string[], replacement: unknown): T {
  if (name === undefined) return replacement as T
  return { ...value, [name]: withValueAt(Reflect.get(Object(value), name), rest, replacement) } as T
}
