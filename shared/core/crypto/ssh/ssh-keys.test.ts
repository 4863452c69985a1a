import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeFingerprint, generateSshKey, readPrivateKey, readPublicKey } from './index.ts'

const hasKeygen = (() => {
  try {
    execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' })
    return true
  } catch (error) {
    return (error as { code?: string }).code !== 'ENOENT'
  }
})()

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error

describe.skipIf(!hasKeygen)('keys made by ssh-keygen (needs openssh-client)', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-keys-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const made = (name: string, ...args: string[]): { text: string; line: string; print: string } => {
    const path = join(folder, name)
    execFileSync('ssh-keygen', ['-q', '-C', 'made by a test', '-f', path, ...args])
    return { text: readFileSync(path, 'utf8'), line: readFileSync(`${path}.pub`, 'utf8'), print: execFileSync('ssh-keygen', ['-lf', `${path}.pub`]).toString() }
  }

  it.each([
    ['ed25519', ['-t', 'ed25519', '-N', '']],
    ['rsa', ['-t', 'rsa', '-b', '3072', '-N', '']],
    ['ecdsa256', ['-t', 'ecdsa', '-b', '256', '-N', '']],
    ['ecdsa384', ['-t', 'ecdsa', '-b', '384', '-N', '']],
    ['ecdsa521', ['-t', 'ecdsa', '-b', '521', '-N', '']],
    ['rsapem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '']],
    ['rsapkcs8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', '']],
    ['ecpkcs8', ['-t', 'ecdsa', '-m', 'PKCS8', '-N', '']],
  ])('%s: same size, fingerprint and public key as OpenSSH prints', (name, args) => {
    const { text, line, print } = made(name, ...args)
    const [bits, fingerprint] = print.split(' ')
    const pair = readPrivateKey(text)
    expect(pair).toMatchObject({ bits: Number(bits), fingerprint, publicKey: line.split(' ').slice(0, 2).join(' ') })
    expect(readPublicKey(line)).toMatchObject({ fingerprint, comment: 'made by a test' })
    expect(readPrivateKey(pair.privateKey).fingerprint).toBe(fingerprint)
  })

  it.each([
    ['OpenSSH', ['-t', 'ed25519']],
    ['OpenSSH-ecdsa', ['-t', 'ecdsa', '-b', '521']],
    ['OpenSSH-rsa', ['-t', 'rsa', '-b', '2048']],
    ['OpenSSH-cbc', ['-t', 'ed25519', '-Z', 'aes256-cbc']],
    ['OpenSSH-gcm', ['-t', 'ed25519', '-Z', 'aes256-gcm@openssh.com']],
    ['PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['PEM-ecdsa', ['-t', 'ecdsa', '-m', 'PEM']],
    ['PKCS8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
    ['PKCS8-ecdsa', ['-t', 'ecdsa', '-b', '384', '-m', 'PKCS8']],
  ])('%s, protected: asks for the passphrase, refuses a wrong one, opens with the right one', (name, args) => {
    const { text, line } = made(`protected-${name}`, ...args, '-N', 'open sesame')
    expect(() => readPrivateKey(text)).toThrow(code('key.passphrase_needed'))
    expect(() => readPrivateKey(text, 'wrong one')).toThrow(code('key.wrong_passphrase'))
    expect(line.startsWith(readPrivateKey(text, 'open sesame').publicKey)).toBe(true)
  })

  it('names a protection that it does not read', () => {
    const { text } = made('chacha', '-t', 'ed25519', '-Z', 'chacha20-poly1305@openssh.com', '-N', 'open sesame')
    expect(() => readPrivateKey(text, 'open sesame')).toThrow(code('key.unsupported'))
  })

  it('refuses small RSA keys', () => {
    expect(() => readPrivateKey(made('small', '-t', 'rsa', '-b', '1024', '-N', '').text)).toThrow(code('key.weak'))
  })

  it('makes keys that OpenSSH takes', () => {
    for (const algorithm of ['ed25519', 'rsa-3072'] as const) {
      const pair = generateSshKey(algorithm, 'ours')
      const path = join(folder, `ours-${algorithm}`)
      execFileSync('sh', ['-c', `umask 077; cat > '${path}'`], { input: pair.privateKey })
      expect(execFileSync('ssh-keygen', ['-yf', path]).toString().startsWith(pair.publicKey)).toBe(true)
    }
  })
})

describe('keys without OpenSSH', () => {
  it('makes keys that are read again, also when a number in them begins with zeros', () => {
    // One in 128 has a zero byte in front of its seed or its point: none among these would be one in two thousand runs.
    for (let count = 0; count < 1000; count++) {
      const pair = generateSshKey('ed25519', '')
      expect(readPrivateKey(pair.privateKey).publicKey).toBe(pair.publicKey)
    }
  })

  it.each(['ed25519', 'ec'] as const)('reads %s in protected PKCS#8', (kind) => {
    const { privateKey } = generateKeyPairSync(kind as 'ec', { namedCurve: 'P-256' })
    const text = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' }).toString()
    expect(() => readPrivateKey(text)).toThrow(code('key.passphrase_needed'))
    expect(() => readPrivateKey(text, 'wrong one')).toThrow(code('key.wrong_passphrase'))
    expect(readPrivateKey(text, 'open sesame').privateKey).toMatch(/^-----BEGIN OPENSSH/)
  })

  it.each(['ed448', 'x25519', 'secp256k1'])('names a key of the kind %s as unsupported', (kind) => {
    const { privateKey } = kind === 'secp256k1' ? generateKeyPairSync('ec', { namedCurve: kind }) : generateKeyPairSync(kind as 'ed448')
    expect(() => readPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow(code('key.unsupported'))
  })

  it('reads ed25519 in PKCS#8', () => {
    const { privateKey } = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
    expect(readPrivateKey(privateKey)).toMatchObject({ algorithm: 'ssh-ed25519', bits: 256 })
  })

  it.each(['', 'ssh-ed25519', 'ssh-ed25519 AAAA', `ssh-rsa ${Buffer.from('\0\0\0\x0bssh-ed25519').toString('base64')}`, 'ssh-ed25519 !!!!', '-----BEGIN CERTIFICATE-----'])('refuses %j as a public key', (line) => {
    expect(() => readPublicKey(line)).toThrow(code('key.malformed'))
  })

  it.each(['', 'hello', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])('refuses %j as a private key', (text) => {
    expect(() => readPrivateKey(text)).toThrow(code('key.malformed'))
  })

  it('reads a fingerprint with or without padding', () => {
    const hash = 'A'.repeat(43)
    expect(describeFingerprint(`SHA256:${hash}=`).fingerprint).toBe(`SHA256:${hash}`)
    expect(() => describeFingerprint('MD5:00:11')).toThrow(code('key.malformed'))
  })
})
