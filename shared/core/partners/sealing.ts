/** What a connection brings along besides its settings: secrets are sealed, keys and pins go to the inventory. */
import { CONNECTION_SECRETS, type Connection } from '../../contract/connections/index.ts'
import type { SecretInput, SecretPlace } from '../../contract/connections/common.ts'
import type { As2Connection } from '../../contract/connections/as2.ts'
import type { SftpConnection, SignIn } from '../../contract/connections/sftp.ts'
import type { Actor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { TrustService } from '../trust/service.ts'
import { secretId, secretText } from './rules.ts'

type KeySignIn = Extract<SignIn, { method: 'key' }>

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

  /** The inventory's item of a key sign-in: named, brought along as text, or kept from before. */
  const clientKeyItem = (auth: KeySignIn, before: SignIn | undefined, path: string, label: string, actor: Actor): string => {
    if (auth.item !== undefined) return auth.item
    const text = auth.privateKey === undefined ? null : secretText(auth.privateKey, `${path}.privateKey`)
    if (text === null) {
      const kept = before?.method === 'key' ? before.item : undefined
      if (kept === undefined) throw new AppError('input.invalid', `${path}.privateKey: no key is sealed yet; give the private key`)
      return kept
    }
    const passphrase = auth.passphrase === undefined ? null : secretText(auth.passphrase, `${path}.passphrase`)
    return trust.addClientKey(text, passphrase ?? undefined, label, actor).id
  }

  /** A sign-in as it is stored, and its key if it has one. */
  const sealSignIn = (auth: SignIn, before: SignIn | undefined, path: string, label: string, actor: Actor): { auth: SignIn; items: readonly string[] } => {
    if (auth.method !== 'key') return { auth, items: [] }
    const item = clientKeyItem(auth, before, path, label, actor)
    return { auth: { method: 'key', item, ...(auth.password === undefined ? {} : { password: auth.password }) }, items: [item] }
  }

  const sealSftp = (partner: string, connection: SftpConnection, before: Connection | undefined, actor: Actor): { stored: SftpConnection; changed: boolean } => {
    const { hostKeys, hostAuthorities, revokedHostKeys, ...rest } = connection
    const { jump } = rest
    const earlier = before?.protocol === 'sftp' ? before : undefined
    const path = `connections.${connection.id}`
    const wanted = { hostKeys, hostAuthorities, revokedHostKeys, jumpHostKeys: jump === undefined ? [] : jump.hostKeys }
    const changed = trust.ssh.sync(partner, connection.id, wanted, actor)
    const own = sealSignIn(connection.auth, earlier?.auth, `${path}.auth`, `Key for ${partner}/${connection.id}`, actor)
    const through = jump === undefined ? undefined : sealSignIn(jump.auth, earlier?.jump?.auth, `${path}.jump.auth`, `Key for the jump host of ${partner}/${connection.id}`, actor)
    trust.syncClientKeys(partner, connection.id, [...own.items, ...(through?.items ?? [])], actor)
    const { hostKeys: _, ...gate } = jump ?? {}
    return { stored: { ...rest, auth: own.auth, ...(through === undefined ? {} : { jump: { ...gate, auth: through.auth } as SftpConnection['jump'] }) }, changed }
  }

  /** A list, also one that was stored before there were bindings for it, means that one of them must be shown. */
  const sealCallers = (partner: string, connection: As2Connection, before: Connection | undefined, actor: Actor): { inbound: As2Connection['inbound']; changed: boolean } => {
    const { clientCertificates: given, ...inbound } = connection.inbound
    const wanted = given ?? (before?.protocol === 'as2' ? before.inbound.clientCertificates : undefined)
    if (wanted === undefined) return { inbound, changed: false }
    const changed = trust.materials.syncTlsPins(partner, connection.id, 'tls-caller', wanted, actor)
    return { inbound: { ...inbound, requireClientCertificate: inbound.requireClientCertificate || wanted.length > 0 }, changed }
  }

  const sealTrust = (partner: string, connection: Connection, before: Connection | undefined, actor: Actor): { stored: Connection; changed: boolean } => {
    if (connection.protocol === 'sftp') return sealSftp(partner, connection, before, actor)
    if (connection.protocol === 'folder') return { stored: connection, changed: false }
    const { pins, ...tls } = connection.tls
    const changed = pins !== undefined && trust.materials.syncTlsPins(partner, connection.id, 'tls-server', pins, actor)
    if (connection.protocol !== 'as2') return { stored: { ...connection, tls }, changed }
    const callers = sealCallers(partner, connection, before, actor)
    return { stored: { ...connection, tls, inbound: callers.inbound }, changed: callers.changed || changed }
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
      if (connection.protocol !== 'sftp') return found
      for (const [field, auth] of [['privateKey', connection.auth], ['jumpPrivateKey', connection.jump?.auth]] as const)
        if (auth?.method === 'key' && auth.item !== undefined) found[field] = trust.clientKey(auth.item)
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
