import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { derOctetString, derOid, derSequence, derSmallInteger, derTagged } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { collect, compress, decompress, sniffCms } from './index.ts'

const cap = { maxOutputBytes: 64 * 1024 * 1024 }
const wrap = (octets: Uint8Array): Uint8Array =>
  derSequence(derOid(OID.compressedData), derTagged(0, derSequence(derSmallInteger(0), derSequence(derOid(OID.zlibCompress)), derSequence(derOid(OID.data), derTagged(0, derOctetString(octets))))))

describe('compressed data', () => {
  it.each([0, 1, 70_000, 3_000_000])('of %i bytes comes back unchanged', async (size) => {
    const content = Buffer.concat([randomBytes(Math.floor(size / 2)), Buffer.alloc(Math.ceil(size / 2), 'x')])
    const packed = await collect(compress([content]), 2 ** 26)
    expect(sniffCms(packed.subarray(0, 20))).toBe('compressed-data')
    const opened = decompress([packed.subarray(0, 9), packed.subarray(9)], cap)
    expect(Buffer.from(await collect(opened.content, 2 ** 26)).equals(content)).toBe(true)
    expect(await opened.result).toMatchObject({ contentBytes: size, contentType: OID.data })
  })

  it('stops at a bomb, by size and by ratio, without unpacking it', async () => {
    const bomb = wrap(deflateSync(Buffer.alloc(200 * 1024 * 1024)))
    for (const bounds of [{ maxOutputBytes: 10 * 1024 * 1024, maxRatio: 1e9 }, { maxOutputBytes: 2 ** 40, maxRatio: 100 }]) {
      let seen = 0
      const opened = decompress([bomb], bounds)
      await expect((async () => { for await (const chunk of opened.content) seen += chunk.length })()).rejects.toMatchObject({ code: 'cms.bomb' })
      await expect(opened.result).rejects.toMatchObject({ code: 'cms.bomb' })
      expect(seen).toBeLessThan(90 * 1024 * 1024)
    }
  })

  it('lets no small message through that unpacks a thousandfold beyond a mebibyte', async () => {
    const bomb = wrap(deflateSync(Buffer.alloc(3 * 1024 * 1024)))
    expect(bomb.length).toBeLessThan(4000)
    await expect(collect(decompress([bomb], { ...cap, maxRatio: 500 }).content, 2 ** 26)).rejects.toMatchObject({ code: 'cms.bomb' })
    const honest = wrap(deflateSync(Buffer.alloc(900_000)))
    expect((await collect(decompress([honest], { ...cap, maxRatio: 10 }).content, 2 ** 26)).length).toBe(900_000)
  })

  it('ignores what follows the zlib stream inside, without hanging', async () => {
    const packed = Buffer.concat([deflateSync(Buffer.from('content')), randomBytes(3_000_000)])
    const opened = decompress([wrap(packed)], cap)
    expect(Buffer.from(await collect(opened.content, 2 ** 20)).toString()).toBe('content')
    expect((await opened.result).contentBytes).toBe(7)
  })

  it('says that a stream is damaged or cut', async () => {
    const packed = deflateSync(randomBytes(5000))
    const damaged = Buffer.from(packed)
    damaged[0] = 0
    for (const octets of [packed.subarray(0, 2000), damaged, Buffer.from('not zlib at all')])
      await expect(collect(decompress([wrap(octets)], cap).content, 2 ** 20)).rejects.toMatchObject({ code: 'cms.decompression_failed' })
  })
})
