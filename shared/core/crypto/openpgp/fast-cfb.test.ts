import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { array, assert, integer, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cipherById } from './ciphers.ts'
import { createCfbDecryptor, createCfbEncryptor, type CfbStream } from './fast-cfb.ts'

function run(stream: CfbStream, input: Uint8Array, sizes: readonly number[]): Buffer {
  const parts: Uint8Array[] = []
  let at = 0
  for (const size of [...sizes, input.length]) {
    // off every boundary, as slices of what a network delivers are
    const moved = Buffer.concat([Buffer.alloc(size % 5), input.subarray(at, at + size)]).subarray(size % 5)
    parts.push(Buffer.from(stream.update(moved)))
    at += size
    if (at >= input.length) break
  }
  return Buffer.concat([...parts, stream.end()])
}

describe('CFB out of faster modes', () => {
  it.each([2, 7, 8, 9])('is the CFB of the runtime, for cipher %i and however the octets are cut', (id) => {
    const cipher = cipherById(id)
    assert(property(nat(5000), array(nat(300), { maxLength: 20 }), integer({ min: 0, max: 40 }), (length, sizes, keepBack) => {
      const [key, iv, plain] = [randomBytes(cipher.keyBytes), randomBytes(cipher.blockBytes), randomBytes(length)]
      const zeros = Buffer.alloc(cipher.blockBytes)
      expect(run(createCfbEncryptor(cipher, key), plain, sizes).equals(createCipheriv(cipher.cfb, key, zeros).update(plain))).toBe(true)
      expect(run(createCfbDecryptor(cipher, key, iv, keepBack), plain, sizes).equals(createDecipheriv(cipher.cfb, key, iv).update(plain))).toBe(true)
    }), { numRuns: 60 })
  })

  it('holds back what it was told to', () => {
    const decryptor = createCfbDecryptor(cipherById(9), randomBytes(32), Buffer.alloc(16), 22)
    expect(decryptor.update(randomBytes(37)).length).toBe(0)
    expect(decryptor.update(randomBytes(1)).length).toBe(16)
    expect(decryptor.end().length).toBe(22)
  })
})
