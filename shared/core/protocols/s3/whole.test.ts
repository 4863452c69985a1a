import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { etagDigest, heldToEtag } from './whole.ts'

const md5 = (content: Uint8Array): Buffer => createHash('md5').update(content).digest()
const CONTENT = Buffer.from('UNB+UNOC:3+A+B')
const CHANGED = Buffer.from('UNB+UNOC:3+A+C')
const ETAG = `"${md5(CONTENT).toString('hex')}"`

async function* stream(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield content.subarray(0, 5)
  yield await Promise.resolve(content.subarray(5))
}

/** What comes first, and what comes when it is asked for again. */
async function read(etag: string | undefined, first: Uint8Array, second: Uint8Array): Promise<{ content: string; asked: number }> {
  let asked = 0
  const again = (): AsyncIterable<Uint8Array> => ((asked += 1), stream(second))
  const pieces: Uint8Array[] = []
  for await (const piece of heldToEtag(stream(first), { etag: () => etag, again, what: 'in/orders.edi' })) pieces.push(piece)
  return { content: Buffer.concat(pieces).toString(), asked }
}

describe('an object that comes without TLS', () => {
  it('is taken at once when it is what its ETag says', async () => expect(await read(ETAG, CONTENT, CONTENT)).toEqual({ content: CONTENT.toString(), asked: 0 }))
  it('is taken at once when it was uploaded in one part', async () => expect(await read(`"${md5(md5(CONTENT)).toString('hex')}-1"`, CONTENT, CONTENT)).toEqual({ content: CONTENT.toString(), asked: 0 }))
  it('is refused when a bit was changed on the way', async () => await expect(read(ETAG, CHANGED, CONTENT)).rejects.toMatchObject({ code: 'remote.verification_failed' }))
  it('is taken when it comes the same twice: the ETag is no digest there', async () => expect(await read('"0123456789abcdef0123456789abcdef"', CONTENT, CONTENT)).toEqual({ content: CONTENT.toString(), asked: 1 }))
  it.each([undefined, '"0x8DB"', '"d41d8cd98f00b204e9800998ecf8427e-7"'])('is taken as it comes where the ETag cannot be a digest (%s)', async (etag) => {
    expect(etagDigest(etag)).toBeNull()
    expect(await read(etag, CONTENT, CHANGED)).toEqual({ content: CONTENT.toString(), asked: 0 })
  })
})
