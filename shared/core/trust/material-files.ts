/** Tells what a file is that somebody wants to import, and reads it. */
import { looksLikePgpKeys } from '../crypto/openpgp/index.ts'
import { isKnownHosts, isPpk, parseKnownHosts, readPrivateKey, readPublicKey } from '../crypto/ssh/index.ts'
import type { Role } from '../../contract/trust-words.ts'
import { AppError } from '../kernel/errors.ts'
import { isMeantAsKey, unknownFormat } from './unknown-format.ts'
import { looksLikeX509, readX509Material, type Found, type LoneKey } from './x509-material.ts'

export interface MaterialRequest {
  readonly content: Buffer
  readonly passphrase?: string | undefined
  readonly kind?: 'x509' | 'ca' | undefined
  readonly bind: readonly { readonly role: Role }[]
}

export interface Material {
  /** What the file is, for people. */
  readonly format: string
  readonly found: readonly Found[]
  readonly loneKeys: readonly LoneKey[]
}

/**
 * Everything in the file. `knowsKey` tells whether the inventory has a certificate for a public key: a bare private key then belongs
 * to it, and is an SSH key otherwise. Rejects with `key.…`; with `key.unknown_format` where nothing fits, instead of with what the last
 * of the formats missed.
 */
export async function readMaterial(request: MaterialRequest, knowsKey: (keyId: string) => boolean): Promise<Material> {
  try {
    return await readAsWhatItLooksLike(request, knowsKey)
  } catch (error) {
    throw error instanceof AppError && error.code === 'key.malformed' && !isMeantAsKey(request.content) ? unknownFormat(request.content) : error
  }
}

async function readAsWhatItLooksLike(request: MaterialRequest, knowsKey: (keyId: string) => boolean): Promise<Material> {
  const { content, passphrase } = request
  if (isJavaKeystore(content)) throw new AppError('key.unsupported', 'this is a Java keystore of the old kind; turn it into PKCS#12 with: keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12')
  if (looksLikePgpKeys(content)) {
    const { pgpKeysIn } = await import('./pgp-items.ts')
    return { format: 'OpenPGP', found: await pgpKeysIn(content, passphrase), loneKeys: [] }
  }
  if (looksLikeX509(content) || wantsCertificate(request)) return readX509Material(content, request)
  const text = content.toString('utf8')
  if (isHostList(text)) return { format: 'known_hosts', found: knownHosts(text), loneKeys: [] }
  if (/-----BEGIN ([A-Z0-9]+ )?PRIVATE KEY-----/.test(text) && !text.includes('OPENSSH')) {
    const bare = readX509Material(content, request)
    if (bare.loneKeys.every(({ keyId }) => knowsKey(keyId))) return bare
  }
  return { format: isPpk(text) ? 'PuTTY private key' : text.includes('PRIVATE KEY') ? 'SSH private key' : 'SSH public keys', found: readSshMaterial(text, request), loneKeys: [] }
}

/** A known_hosts file, as opposed to key files whose lines look alike. */
export function isHostList(text: string): boolean {
  return !isPpk(text) && !text.includes('PRIVATE KEY') && isKnownHosts(text)
}

/** JKS and JCEKS by their magic numbers. */
function isJavaKeystore(content: Buffer): boolean {
  const magic = content.subarray(0, 4).toString('hex')
  return magic === 'feedfeed' || magic === 'cececece'
}

const CERTIFICATE_ROLES: readonly Role[] = ['sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server']

function wantsCertificate({ kind, bind }: MaterialRequest): boolean {
  return kind !== undefined || bind.some(({ role }) => CERTIFICATE_ROLES.includes(role))
}

/** Every SSH key in a text: one private key, or public key lines. */
function readSshMaterial(text: string, { passphrase, bind }: MaterialRequest): Found[] {
  const asClient = bind.some(({ role }) => role === 'ssh-client')
  if (text.includes('PRIVATE KEY') || isPpk(text)) return [found(readPrivateKey(text, passphrase), true)]
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length === 0) throw new AppError('key.malformed', 'the file holds no key')
  return lines.map((line) => found(readPublicKey(line), asClient))
}

function found(key: ReturnType<typeof readPublicKey>, client: boolean): Found {
  return { kind: client ? 'ssh-client' : 'ssh-host', key, label: key.comment ?? `${key.algorithm} key` }
}

function knownHosts(text: string): Found[] {
  return parseKnownHosts(text).entries.map(({ marker, key, hosts }) => ({
    kind: marker === null ? 'ssh-host' : marker === 'revoked' ? 'ssh-revoked' : 'ssh-ca',
    key,
    label: hosts.startsWith('|') ? 'known_hosts (hashed name)' : hosts.slice(0, 200),
  }))
}
