/** Receipts are small: their multiparts are read into memory. */
import { collect } from '../../../crypto/cms/index.ts'
import type { MdnWarning } from './mdn-types.ts'
import { readMultipart } from './multipart.ts'
import { MESSAGE_LIMITS } from './open-context.ts'

const MAX_PARTS = 20

/** The parts of a small multipart. */
export async function allParts(bytes: Uint8Array, boundary: string | undefined, warnings: Set<MdnWarning>): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  const { maxBoundary, maxPreamble } = MESSAGE_LIMITS
  const note = (what: string): void => {
    if (what === 'preamble') warnings.add('preamble')
  }
  for await (const part of readMultipart([bytes], { boundary: boundary ?? '', maxBoundary, maxPreamble, maxParts: MAX_PARTS, note })) found.push(await collect(part, bytes.length))
  return found
}
