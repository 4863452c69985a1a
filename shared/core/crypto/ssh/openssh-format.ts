/** openssh-key-v1 (PROTOCOL.key of OpenSSH), written without protection: the one form in which private keys are kept here. */
import { createPublicKey, randomBytes, type JsonWebKey, type KeyObject } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import { wireMpint, wireReader, wireString, wireUint32 } from './wire.ts'

const CURVES: Readonly<Record<string, string>> = { 'P-256': 'nistp256', 'P-384': 'nistp384', 'P-521': 'nistp521' }

const MAGIC = 'openssh-key-v1\0'

/** By what a key text is protected, as it says itself; empty where it is not of this form. */
export function cipherOf(text: string): string {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1] ?? ''
  const bytes = Buffer.from(body, 'base64')
  const starts = bytes.subarray(0, MAGIC.length).toString('latin1') === MAGIC
  try {
    return starts ? wireReader(bytes.subarray(MAGIC.length)).text() : ''
  } catch {
    return ''
  }
}

/** `fields`: what follows the algorithm's name in the private part, as OpenSSH orders it. */
export function openSshText(publicBlob: Buffer, fields: Buffer, algorithm: string, comment = ''): string {
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, wireString(algorithm), fields, wireString(comment)])
  const padded = Buffer.concat([secret, Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1))])
  const all = Buffer.concat([Buffer.from(MAGIC), wireString('none'), wireString('none'), wireString(''), wireUint32(1), wireString(publicBlob), wireString(padded)])
  const lines = all.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

/** The same key in OpenSSH's form. Rejects with `key.unsupported` for kinds that SSH has no use for. */
export function openSshTextOf(key: KeyObject, comment = ''): string {
  const parts = key.export({ format: 'jwk' })
  if (key.asymmetricKeyType === 'ed25519') {
    const point = digits(createPublicKey(key).export({ format: 'jwk' }), 'x')
    const name = 'ssh-ed25519'
    return openSshText(Buffer.concat([wireString(name), wireString(point)]), ed25519Fields(point, digits(parts, 'd')), name, comment)
  }
  if (key.asymmetricKeyType === 'rsa') {
    const [n, e] = [wireMpint(digits(parts, 'n')), wireMpint(digits(parts, 'e'))]
    const fields = Buffer.concat([n, e, ...(['d', 'qi', 'p', 'q'] as const).map((name) => wireMpint(digits(parts, name)))])
    return openSshText(Buffer.concat([wireString('ssh-rsa'), e, n]), fields, 'ssh-rsa', comment)
  }
  const curve = key.asymmetricKeyType === 'ec' ? CURVES[parts.crv ?? ''] : undefined
  if (curve === undefined) throw new AppError('key.unsupported', `keys of the kind ${parts.crv ?? key.asymmetricKeyType ?? 'unknown'} are of no use for SSH`)
  const shared = Buffer.concat([wireString(curve), wireString(Buffer.concat([Buffer.of(4), digits(parts, 'x'), digits(parts, 'y')]))])
  const name = `ecdsa-sha2-${curve}`
  return openSshText(Buffer.concat([wireString(name), shared]), Buffer.concat([shared, wireMpint(digits(parts, 'd'))]), name, comment)
}

/** OpenSSH keeps seed and public point together. */
export function ed25519Fields(point: Buffer, seed: Buffer): Buffer {
  return Buffer.concat([wireString(point), wireString(Buffer.concat([seed, point]))])
}

function digits(parts: JsonWebKey, name: 'd' | 'e' | 'n' | 'p' | 'q' | 'qi' | 'x' | 'y'): Buffer {
  return Buffer.from(parts[name] ?? '', 'base64url')
}
