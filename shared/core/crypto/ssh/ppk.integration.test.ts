import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { readPrivateKey } from './index.ts'

const putty = findPeer('puttygen')
const keygen = findPeer('ssh-keygen')
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error

const KINDS = [
  ['ed25519', ['-t', 'ed25519']],
  ['rsa 2048', ['-t', 'rsa', '-b', '2048']],
  ['ecdsa 256', ['-t', 'ecdsa', '-b', '256']],
  ['ecdsa 384', ['-t', 'ecdsa', '-b', '384']],
  ['ecdsa 521', ['-t', 'ecdsa', '-b', '521']],
] as const

const FORMS = ['version=2', 'version=3,kdf=argon2id,passes=3', 'version=3,kdf=argon2i,passes=3,parallelism=2', 'version=3,kdf=argon2d,passes=3,memory=4096'] as const

describe.skipIf(putty.absent || keygen.absent)(`keys made by PuTTYgen${putty.note}`, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-putty-'))
    writeFileSync(join(folder, 'none'), '')
    writeFileSync(join(folder, 'passphrase'), 'Öffne dich\n')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const puttygen = (...args: string[]): string => execFileSync('puttygen', args, { cwd: folder, encoding: 'utf8' })
  const read = (name: string): Buffer => readFileSync(join(folder, name))

  it.each(KINDS)('%s: opened in every version, derivation and protection; OpenSSH takes what is kept', (kind, args) => {
    const name = kind.replace(' ', '-')
    puttygen('-q', ...args, '-C', 'von Müller', '--new-passphrase', 'none', '-o', `${name}.ppk`)
    const line = puttygen('-L', `${name}.ppk`)
    for (const form of FORMS)
      for (const passphrase of ['none', 'passphrase']) {
        const file = `${name}-${FORMS.indexOf(form)}-${passphrase}.ppk`
        puttygen(`${name}.ppk`, '--reencrypt', '-O', 'private', '--ppk-param', form, '--new-passphrase', passphrase, '-o', file)
        if (passphrase === 'passphrase') {
          expect(() => readPrivateKey(read(file))).toThrow(code('key.passphrase_needed'))
          expect(() => readPrivateKey(read(file), 'Offne dich')).toThrow(code('key.wrong_passphrase'))
        }
        const pair = readPrivateKey(read(file), passphrase === 'none' ? undefined : 'Öffne dich')
        expect(line.startsWith(pair.publicKey)).toBe(true)
        expect(pair.comment).toBe('von Müller')
        const kept = join(folder, 'kept')
        rmSync(kept, { force: true })
        writeFileSync(kept, pair.privateKey, { mode: 0o600 })
        expect(execFileSync('ssh-keygen', ['-yf', kept], { encoding: 'utf8' }).startsWith(pair.publicKey)).toBe(true)
      }
  })

  it('refuses DSA and small RSA keys as weak', () => {
    for (const args of [['-t', 'dsa', '-b', '1024'], ['-t', 'rsa', '-b', '1024']]) {
      puttygen('-q', ...args, '--new-passphrase', 'none', '-o', 'weak.ppk')
      expect(() => readPrivateKey(read('weak.ppk'))).toThrow(code('key.weak'))
    }
  })

  it('names ed448 as unsupported', () => {
    puttygen('-q', '-t', 'ed448', '--new-passphrase', 'none', '-o', 'ed448.ppk')
    expect(() => readPrivateKey(read('ed448.ppk'))).toThrow(code('key.unsupported'))
  })
})
