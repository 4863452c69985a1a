import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../kernel/errors.ts'
import { createTestTrust, type TestTrust } from './test-trust.ts'

describe('a file that is nothing of ours', () => {
  let here: TestTrust
  beforeEach(() => {
    here = createTestTrust(new Date().toISOString())
  })
  afterEach(() => here.close())

  const refusal = async (content: Buffer): Promise<AppError> =>
    await here.trust.preview({ content }).then(
      ({ format }) => Promise.reject(new Error(`read as ${format}`)),
      (error: unknown) => error as AppError,
    )

  it('is told so whatever its first octet is', async () => {
    for (let first = 0; first < 256; first++) {
      const { code, message } = await refusal(Buffer.concat([Buffer.from([first, 0xff, 0x00]), Buffer.alloc(300, 0xee)]))
      expect([first, code]).toEqual([first, 'key.unknown_format'])
      expect(message).toMatch(/^not a certificate, key, known_hosts line or container that we know; .* Tried: .*PKCS#12.*OpenPGP.*known_hosts/)
    }
  })

  it.each([
    ['a PDF document', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj')],
    ['a ZIP archive', Buffer.from('PK\x03\x04\x14\x00\x00\x00', 'latin1')],
    ['a web page', Buffer.from('<!doctype html><title>Sign in</title>')],
    ['an EDI file', Buffer.from("UNA:+.? 'UNB+UNOC:3+US+THEM'")],
    ['text', Buffer.from('Dear partner,\nattached you find our certificate.\n')],
    ['empty', Buffer.alloc(0)],
  ])('is called what it looks like: %s', async (looksLike, content) => {
    const { code, details } = await refusal(content)
    expect([code, details?.['looksLike']]).toEqual(['key.unknown_format', expect.stringContaining(looksLike)])
  })

  it.each([
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 cut'],
    ['PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n'],
    [Buffer.from('308203a23082028aa003020102', 'hex')],
  ])('is not said of one that is only damaged: %s', async (content) => {
    expect((await refusal(Buffer.from(content))).code).not.toBe('key.unknown_format')
  })
})
