/** What comes and goes in memory that is used again: everybody who keeps an octet for longer than it holds is found out. */
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { lent } from '../../../../../e2e/fixtures/lent.ts'
import type { SigningKey } from '../../../crypto/cms/index.ts'
import { generateSelfSigned } from '../../../crypto/x509/index.ts'
import { buildMessage, openMessage, type BuildOptions } from './index.ts'

describe('AS2 messages in lent memory', () => {
  let key: SigningKey
  const content = Buffer.concat([Buffer.alloc(200_001, 'what packs well\r\n--'), randomBytes(300_003)])
  beforeAll(async () => {
    key = await generateSelfSigned({ subject: { commonName: 'lent' }, key: 'rsa-2048' })
  })

  it.each<[string, Partial<BuildOptions>]>([
    ['in binary', {}],
    ['in base64', { quirks: { payloadEncoding: 'base64', layerEncoding: 'base64' } }],
    ['compressed before', { compress: { when: 'before-signing' } }],
    ['compressed after', { compress: { when: 'after-signing' } }],
    ['with two attachments', { payloads: [] }],
  ])('signed and encrypted, %s', async (_, options) => {
    for (const [outward, inward] of [[1_000, 65_537], [100_000, 1_009]] as const) {
      const payload = (): BuildOptions['payloads'][number] => ({ source: lent(content, outward), contentType: 'application/octet-stream', fileName: 'a.bin', bytes: content.length })
      const message = buildMessage({
        as2From: 'a', as2To: 'b', sign: { signer: key }, encrypt: { recipients: [key], cipher: 'aes-256-cbc' }, lend: true,
        ...options, payloads: options.payloads === undefined ? [payload()] : [payload(), payload()],
      })
      const body: Buffer[] = []
      for await (const chunk of message.body) body.push(Buffer.from(chunk))
      const files: Buffer[][] = []
      const outcome = await openMessage(message.headers, lent(Buffer.concat(body), inward), { decryptWith: [key], trusted: [key] }, {
        begin: () => {
          const parts: Buffer[] = []
          files.push(parts)
          return { write: (chunk) => void parts.push(Buffer.from(chunk)), end: () => undefined }
        },
      })
      expect(outcome).toMatchObject({ ok: true, mic: { value: (await message.report).mics[0]?.value } })
      expect(files).toHaveLength(options.payloads === undefined ? 1 : 2)
      for (const parts of files) expect(Buffer.concat(parts).equals(content)).toBe(true)
    }
  })
})
