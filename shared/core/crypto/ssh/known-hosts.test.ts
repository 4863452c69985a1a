import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { generateSshKey, isKnownHosts, keysForHost, parseKnownHosts } from './index.ts'
import { matchesPattern } from './host-pattern.ts'

const line = (): string => generateSshKey('ed25519', 'x').publicKey
const [one, two, three, authority, lost] = [line(), line(), line(), line(), line()]
const keysOf = (text: string, host: string, port = 22): string[] => keysForHost(parseKnownHosts(text), host, port).keys.map(({ key }) => key.publicKey)

describe('known_hosts', () => {
  it('finds hosts by name, address, list and port, without regard to case', () => {
    const text = `# ours\n\nSFTP.Acme.example,192.0.2.7 ${one} made 2020\n[sftp.acme.example]:2222 ${two}\n[192.0.2.8]:22 ${three}\n`
    expect(keysOf(text, 'sftp.acme.example')).toEqual([one])
    expect(keysOf(text, '192.0.2.7')).toEqual([one])
    expect(keysOf(text, 'sftp.ACME.example', 2222)).toEqual([two])
    expect(keysOf(text, '192.0.2.8', 2222)).toEqual([])
    expect(keysOf(text, 'acme.example')).toEqual([])
  })

  it('takes the name without port where the port is named nowhere, and says so', () => {
    const known = parseKnownHosts(`acme.example ${one}\n`)
    expect(keysForHost(known, 'acme.example', 2222)).toMatchObject({ withoutPort: true, keys: [{ key: { publicKey: one } }] })
    expect(keysForHost(known, 'acme.example', 22).withoutPort).toBe(false)
  })

  it('knows wildcards and negation', () => {
    const text = `*.acme.example,!test.acme.example,sft?.other.example ${one}\n`
    expect(keysOf(text, 'a.acme.example')).toEqual([one])
    expect(keysOf(text, 'test.acme.example')).toEqual([])
    expect(keysOf(text, 'sftp.other.example')).toEqual([one])
    expect(keysOf(text, 'sft.other.example')).toEqual([])
    expect(keysOf(`!a.example ${one}\n`, 'b.example')).toEqual([])
  })

  it('keeps authorities apart from keys, and never accepts what is revoked', () => {
    const text = `acme.example ${one}\nacme.example ${lost}\n@revoked * ${lost}\n@cert-authority *.example ${authority}\n`
    const found = keysForHost(parseKnownHosts(text), 'acme.example', 22)
    expect(found.keys.map(({ key }) => key.publicKey)).toEqual([one])
    expect(found.authorities.map(({ key }) => key.publicKey)).toEqual([authority])
    expect(found.revoked.map(({ key }) => key.publicKey)).toEqual([lost])
  })

  it('does not accept under the bare name what is revoked under name and port', () => {
    expect(keysOf(`acme.example ${one}\n@revoked [acme.example]:2222 ${one}\n`, 'acme.example', 2222)).toEqual([])
  })

  it('tells which lines it could not read, and reads the others', () => {
    const { entries, problems } = parseKnownHosts(`@trusted a.example ${one}\nb.example\nc.example 2048 65537 1234567\nd.example ssh-ed25519 AAAA\ne.example ${two}\n`)
    expect(entries.map(({ line: number }) => number)).toEqual([5])
    expect(problems.map(({ line: number }) => number)).toEqual([1, 2, 3, 4])
  })

  it('is told apart from bare public keys', () => {
    expect(isKnownHosts(`acme.example ${one}`)).toBe(true)
    expect(isKnownHosts(`# comment\n@cert-authority * ${one}`)).toBe(true)
    expect(isKnownHosts(`${one} comment`)).toBe(false)
    expect(isKnownHosts('-----BEGIN OPENSSH PRIVATE KEY-----')).toBe(false)
  })

  it('matches a hostile pattern in bounded time', () => {
    expect(matchesPattern(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false)
    expect(matchesPattern('*a*b*', 'xaxxbx')).toBe(true)
    expect(matchesPattern('***', '')).toBe(true)
  })

  const keygen = findPeer('ssh-keygen')
  it.skipIf(keygen.absent)(`reads what ssh-keygen has hashed, and finds what it finds${keygen.note}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'waybill-known-'))
    try {
      const file = join(folder, 'known_hosts')
      writeFileSync(file, `sftp.acme.example,192.0.2.7 ${one}\n[sftp.acme.example]:2222 ${two}\n`)
      execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
      const text = readFileSync(file, 'utf8')
      expect(text).toMatch(/^\|1\|/)
      expect(text).not.toContain('acme')
      for (const [host, port, key] of [['sftp.acme.example', 22, one], ['192.0.2.7', 22, one], ['sftp.acme.example', 2222, two]] as const) {
        const name = port === 22 ? host : `[${host}]:${port}`
        expect(execFileSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })).toContain(key)
        expect(keysOf(text, host, port)).toEqual([key])
      }
      expect(keysOf(text, 'other.example')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
