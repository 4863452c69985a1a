/** Tells what a file is that somebody wants to import, and reads it. Pure. */
import { isPpk, readPrivateKey, readPublicKey } from '../crypto/ssh/index.ts'
import type { Role } from '../../contract/trust-words.ts'
import { AppError } from '../kernel/errors.ts'
import { looksLikeX509, readX509Material, type Found, type X509Material } from './x509-material.ts'

export interface MaterialRequest {
  readonly content: Buffer
  readonly passphrase?: string | undefined
  readonly kind?: 'x509' | 'ca' | undefined
  readonly bind: readonly { readonly role: Role }[]
}

/**
 * Everything in the file. `knowsKey` tells whether the inventory has a certificate for a public key: a bare private key then belongs
 * to it, and is an SSH key otherwise. Rejects with `key.…`.
 */
export function readMaterial(request: MaterialRequest, knowsKey: (keyId: string) => boolean): X509Material {
  if (looksLikeX509(request.content) || wantsCertificate(request)) return readX509Material(request.content, request)
  const text = request.content.toString('utf8')
  if (/-----BEGIN ([A-Z0-9]+ )?PRIVATE KEY-----/.test(text) && !text.includes('OPENSSH')) {
    const bare = readX509Material(request.content, request)
    if (bare.loneKeys.every(({ keyId }) => knowsKey(keyId))) return bare
  }
  return { found: readSshMaterial(text, request), loneKeys: [] }
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
