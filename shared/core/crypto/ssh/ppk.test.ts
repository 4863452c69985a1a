import { createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readPrivateKey } from './index.ts'
import { wireString } from './wire.ts'

/** Made by PuTTYgen 0.78; the passphrase is `open sesame`. */
const PROTECTED_V3 = `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: of a test
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIFjKGXz2D1FK//bPrquqKrPC6SVCsg32pRiwzH3k
WVxz
Key-Derivation: Argon2id
Argon2-Memory: 256
Argon2-Passes: 2
Argon2-Parallelism: 1
Argon2-Salt: e4a1fc2cf45fe19783c8c88191932125
Private-Lines: 1
0QIF3Nck3I9Xvrl1OMYXDwlNrU9Rrj5zFnryMc+mTJCgxbyHhSzBXmCnP2BdaDGO
Private-MAC: 13aaceadf322063849262553e4a82ae5fda00e1ac5ece327c1f5ca12db16dbce
`
const PROTECTED_V2 = `PuTTY-User-Key-File-2: ecdsa-sha2-nistp256
Encryption: aes256-cbc
Comment: of a test
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAwZk7ULG7Jp
QygTJCaO6yDbtL+WAu5itEUAsyUGSpbd4dVzxY1qjrW4KOHJBhmgwBhlcm3IJ8ba
BuUjVFUpvzc=
Private-Lines: 1
L1yZAV+h3MnBfFuzshxDMd5DkiQTjrJHgv4Mit48hLen9jHD6VcGF/AHl51Wa44O
Private-MAC: 91af4f80affa88ddbe2aebf4f11db0c77d93a608
`
const PLAIN_V3 = `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: of a test
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIN1ujnODShYBPVcKkEcK3qT5qbaa5LEVA2JzCWu/
thEd
Private-Lines: 1
AAAAIFLU0Q50JON04KJS7mSkY66BXe0AmSqO0DkJfmX1ZXdw
Private-MAC: 2469fe48f1d4a2f9a4115b9fb84ba7ed558dff236a3985c0c5badf707d1441ac
`

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error

/** An unprotected version 3 file with a right checksum, whatever its content. */
function ppk(algorithm: string, publicBlob: Buffer, secret: Buffer, comment: Buffer = Buffer.from('crafted')): Buffer {
  const covered = [Buffer.from(algorithm), Buffer.from('none'), comment, publicBlob, secret].map(wireString)
  const mac = createHmac('sha256', '').update(Buffer.concat(covered)).digest('hex')
  const head = Buffer.from(`PuTTY-User-Key-File-3: ${algorithm}\r\nEncryption: none\r\nComment: `)
  const tail = `\r\nPublic-Lines: 1\r\n${publicBlob.toString('base64')}\r\nPrivate-Lines: 1\r\n${secret.toString('base64')}\r\nPrivate-MAC: ${mac}\r\n`
  return Buffer.concat([head, comment, Buffer.from(tail)])
}

function ed25519Parts(wanted: (seed: Buffer) => boolean): { blob: Buffer; seed: Buffer } {
  for (let tries = 0; tries < 20_000; tries++) {
    const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
    const seed = Buffer.from(d, 'base64url')
    if (wanted(seed)) return { seed, blob: Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.from(x, 'base64url'))]) }
  }
  throw new Error('no such key was found')
}

describe('PuTTY keys', () => {
  it.each([
    ['version 3, Argon2id', PROTECTED_V3, 'SHA256:amD+gt4DxuTv1wdtvnMsyhT9+9wL7/hB0hd2biSAvgk', 'ssh-ed25519'],
    ['version 2', PROTECTED_V2, 'SHA256:d4XZnxhbjF9duJphHQJ2DKzjUA4o0Qa8tbE8ngt2lTg', 'ecdsa-sha2-nistp256'],
  ])('%s: opens with the passphrase only, and is kept as OpenSSH text', (_, text, fingerprint, algorithm) => {
    expect(() => readPrivateKey(text)).toThrow(code('key.passphrase_needed'))
    expect(() => readPrivateKey(text, 'open Sesame')).toThrow(code('key.wrong_passphrase'))
    const pair = readPrivateKey(text, 'open sesame')
    expect(pair).toMatchObject({ fingerprint, algorithm, comment: 'of a test' })
    expect(pair.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)
    expect(readPrivateKey(pair.privateKey)).toMatchObject({ fingerprint, comment: 'of a test' })
  })

  it('opens an unprotected one, with and without a passphrase, with the line ends of Windows too', () => {
    for (const text of [PLAIN_V3, PLAIN_V3.replaceAll('\n', '\r\n')])
      for (const passphrase of [undefined, 'not needed']) expect(readPrivateKey(text, passphrase).fingerprint).toBe('SHA256:FqWsDpFDia5XiuzFg+LFRkF23Xf7XfeqexABsyVCSjg')
  })

  it.each([
    ['a changed comment', (text: string) => text.replace('of a test', 'of a Test')],
    ['a changed checksum', (text: string) => text.replace(/MAC: ../, 'MAC: 00')],
    ['a cut checksum', (text: string) => text.replace(/(MAC: .{20}).*/, '$1')],
    ['a cut private part', (text: string) => text.replace(/(Private-Lines: 1\n.{20}).*/, '$1')],
    ['a missing line', (text: string) => text.replace(/Public-Lines.*\n/, '')],
    ['a wrong count of lines', (text: string) => text.replace('Private-Lines: 1', 'Private-Lines: 9')],
    ['an end in the middle', (text: string) => text.slice(0, 200)],
  ])('calls %s damage, protected or not', (_, harm) => {
    expect(() => readPrivateKey(harm(PLAIN_V3))).toThrow(code('key.damaged'))
    expect(() => readPrivateKey(harm(PROTECTED_V2), 'open sesame')).toThrow(code('key.damaged'))
    expect(() => readPrivateKey(harm(PROTECTED_V3), 'open sesame')).toThrow(code('key.damaged'))
  })

  it.each([
    ['version 1', PLAIN_V3.replace('File-3', 'File-1')],
    ['a later version', PLAIN_V3.replace('File-3', 'File-4')],
    ['ed448', PLAIN_V3.replace('ssh-ed25519', 'ssh-ed448')],
    ['another cipher', PROTECTED_V3.replace('aes256-cbc', 'chacha20')],
    ['another derivation', PROTECTED_V3.replace('Argon2id', 'scrypt')],
    ['a derivation that would take all memory', PROTECTED_V3.replace('Memory: 256', 'Memory: 4194304')],
    ['a derivation that would take all day', PROTECTED_V3.replace('Passes: 2', 'Passes: 1000000')],
  ])('names %s as unsupported', (_, text) => {
    expect(() => readPrivateKey(text, 'open sesame')).toThrow(code('key.unsupported'))
  })

  it('refuses DSA', () => {
    expect(() => readPrivateKey(PLAIN_V3.replace('ssh-ed25519', 'ssh-dss'))).toThrow(code('key.weak'))
  })

  it('reads a seed whose last zeros are left out', () => {
    const { blob, seed } = ed25519Parts((candidate) => candidate[31] === 0)
    expect(readPrivateKey(ppk('ssh-ed25519', blob, wireString(seed.subarray(0, 31)))).algorithm).toBe('ssh-ed25519')
  })

  it('reads a comment in an old code page from the bytes of the file', () => {
    const { blob, seed } = ed25519Parts(() => true)
    expect(readPrivateKey(ppk('ssh-ed25519', blob, wireString(seed), Buffer.from('Schl\u00fcssel', 'latin1'))).algorithm).toBe('ssh-ed25519')
  })

  it('refuses a private part that belongs to another public part, though its checksum is right', () => {
    const [one, other] = [ed25519Parts(() => true), ed25519Parts(() => true)]
    expect(() => readPrivateKey(ppk('ssh-ed25519', one.blob, wireString(other.seed)))).toThrow(code('key.damaged'))
  })
})
