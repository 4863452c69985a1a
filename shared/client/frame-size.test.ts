import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { utf8Bytes } from './frame-size.ts'

it('counts as the encoder does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text))
    }),
  )
})

it('counts half a surrogate pair as the replacement character', () => {
  expect(utf8Bytes('\ud800')).toBe(Buffer.byteLength('\ud800'))
  expect(utf8Bytes('a\udc00b')).toBe(Buffer.byteLength('a\udc00b'))
})
