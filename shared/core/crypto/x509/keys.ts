/** Private keys in and out. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CmsError } from '../cms/errors.ts'
import { sameBytes } from '../asn1/bytes.ts'
import type { Certificate } from './certificate.ts'
import { derOf, pemTextOf, readPem } from './pem.ts'

/**
 * Reads a private key: PEM (PKCS#1, PKCS#8, SEC1, encrypted PKCS#8 or the old encrypted form; other blocks around it are
 * skipped) or DER (PKCS#8, encrypted PKCS#8, PKCS#1, SEC1). Throws `cms.key_unusable`.
 */
export function readPrivateKey(input: Uint8Array | string, passphrase?: string): KeyObject {
  const protection = passphrase === undefined ? {} : { passphrase }
  const text = pemTextOf(input)
  if (text !== undefined) {
    const block = readPem(text).find(({ label }) => label.endsWith('PRIVATE KEY'))
    if (block === undefined) throw new CmsError('cms.key_unusable', 'there is no private key in the PEM text')
    const from = text.indexOf(`-----BEGIN ${block.label}-----`)
    const until = `-----END ${block.label}-----`
    const armour = text.slice(from, text.indexOf(until, from) + until.length)
    return open(() => createPrivateKey({ key: `${armour}\n`, format: 'pem', ...protection }))
  }
  const der = Buffer.from(derOf(input))
  let failure: unknown
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type, ...protection })
    } catch (error) {
      failure ??= error
    }
  }
  return open(() => {
    throw failure
  })
}

function open(read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
    const what = code === 'ERR_MISSING_PASSPHRASE'
      ? 'the private key is encrypted and no passphrase was given'
      : 'the private key cannot be read (wrong passphrase or unknown form)'
    throw new CmsError('cms.key_unusable', what, error)
  }
}

/** PKCS#8 in PEM; with a passphrase encrypted (PBES2, AES-256-CBC). */
export function privateKeyPem(key: KeyObject, passphrase?: string): string {
  const protection = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return key.export({ type: 'pkcs8', format: 'pem', ...protection }).toString()
}

/** Whether the private key belongs to the certificate's public key. */
export function keyMatchesCertificate(key: KeyObject, certificate: Certificate): boolean {
  const known = matches.get(key)?.get(certificate)
  if (known !== undefined) return known
  const found = compare(key, certificate)
  const ofKey = matches.get(key) ?? new WeakMap<Certificate, boolean>()
  matches.set(key, ofKey.set(certificate, found))
  return found
}

/** Asked for every message, of the same few keys. */
const matches = new WeakMap<KeyObject, WeakMap<Certificate, boolean>>()

function compare(key: KeyObject, certificate: Certificate): boolean {
  try {
    const own = createPublicKey(key).export({ type: 'spki', format: 'der' })
    const other = certificate.publicKey().export({ type: 'spki', format: 'der' })
    return sameBytes(own, other)
  } catch {
    return false
  }
}
