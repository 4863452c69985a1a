/** A short run of the fuzzer; the long one is a command (README.md). */
import { expect, it } from 'vitest'
import { fuzzMessages } from './fuzz.ts'

it('survives mutated messages, receipts and headers, and accepts nothing that was not signed', async () => {
  const counts = await fuzzMessages({ inputs: 1500, seed: 7 })
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(1500)
  for (const seen of ['message: ok', 'message: undecryptable', 'message: content-changed', 'mdn: delivered', 'mdn: negative', 'mdn: signature-invalid', 'parsers: read']) expect(counts).toHaveProperty([seen])
}, 120_000)
