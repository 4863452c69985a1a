/** The boundary scanner: parts come out exactly as they went in, wherever the chunks are cut. */
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../crypto/cms/index.ts'
import { readMultipart } from './multipart.ts'

const BOUNDARY = 'b'

async function read(source: Iterable<Uint8Array>, boundary = BOUNDARY): Promise<{ parts: string[]; notes: string[] }> {
  const parts: string[] = []
  const notes: string[] = []
  for await (const part of readMultipart(source, { boundary, maxBoundary: 200, maxParts: 1000, maxPreamble: 1000, note: (what) => void notes.push(what) })) parts.push(Buffer.from(await collect(part, 10_000)).toString('latin1'))
  return { parts, notes }
}

function cut(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    chunks.push(bytes.subarray(at, at + size))
    at += Math.max(size, turn % sizes.length === 0 ? 1 : 0)
    if (size === 0 && turn % sizes.length === 0) chunks.push(bytes.subarray(at - 1, at))
  }
  return chunks
}

describe('multipart bodies', () => {
  it.each([
    ['two parts', '--b\r\nA: 1\r\n\r\nx\r\n--b\r\ny\r\n--b--\r\n', ['A: 1\r\n\r\nx', 'y'], []],
    ['LF', '--b\nx\n--b\ny\n--b--\n', ['x', 'y'], []],
    ['an empty part', '--b\r\n\r\n--b\r\n--b--', ['', ''], []],
    ['line ends before the boundary line end belong to the part', '--b\r\nx\r\n\r\n\r\n--b--', ['x\r\n\r\n'], []],
    ['blanks after the boundary', '--b \t \r\nx\r\n--b--  \r\n', ['x'], []],
    ['a longer boundary is none', '--b\r\nx\r\n--bb\r\n--b-\r\n--bc--\r\ny\r\n--b--', ['x\r\n--bb\r\n--b-\r\n--bc--\r\ny'], []],
    ['a boundary inside a line is none', '--b\r\nx --b\r\ny\r\n--b--', ['x --b\r\ny'], []],
    ['a lone CR ends no line', '--b\r\nx\r--b\r\ny\r\n--b--', ['x\r--b\r\ny'], []],
    ['an inner boundary of two more dashes', '--b\r\n----b\r\n\r\n----b--\r\n--b--', ['----b\r\n\r\n----b--'], []],
    ['preamble and epilogue', 'before\r\n--b\r\nx\r\n--b--\r\nafter', ['x'], ['preamble', 'epilogue']],
    ['blank lines around', '\r\n\r\n--b\r\nx\r\n--b--\r\n\r\n', ['x'], []],
    ['no closing boundary', '--b\r\nx\r\n', ['x\r\n'], ['boundary-unterminated']],
    ['parts after the closing boundary are no parts', '--b\r\nx\r\n--b--\r\n--b\r\nevil\r\n--b--', ['x'], ['epilogue']],
  ])('%s', async (_, text, parts, notes) => {
    for (const size of [1, 2, 3, 5, 1000]) expect(await read(cut(text, [size]))).toEqual({ parts, notes })
  })

  it('give any parts back, however they are cut', async () => {
    const piece = constantFrom('\r', '\n', '\r\n', '--', '-', 'b', '--b', '\r\n--', '\r\n--bx', '\r\n-', ' ', 'x', '\r\n--b x')
    await assert(
      asyncProperty(array(array(piece, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), array(integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 10 }), async (contents, sizes) => {
        const boundary = 'zz'
        const parts = contents.map((content) => content.join(''))
        const text = `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
        expect((await read(cut(text, sizes), boundary)).parts).toEqual(parts)
        // with the boundary that the pieces are about: the cut does not matter
        const whole = await read([Buffer.from(`--b\r\n${text}`)])
        expect(await read(cut(`--b\r\n${text}`, sizes))).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('skip what is not read of a part', async () => {
    const seen: string[] = []
    for await (const part of readMultipart([Buffer.from('--b\r\nfirst\r\n--b\r\nsecond\r\n--b--')], { boundary: 'b', maxBoundary: 200, maxParts: 9, maxPreamble: 9, note: () => undefined })) {
      if (seen.length === 0) seen.push('skipped')
      else seen.push(Buffer.from(await collect(part, 100)).toString())
    }
    expect(seen).toEqual(['skipped', 'second'])
  })
})
