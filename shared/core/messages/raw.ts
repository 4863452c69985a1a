/** Messages and receipts as they travelled: headers, an empty line, the body. Without Host and Connection. */
import { headerBlock, withContentLength, type HeaderPair } from '../protocols/as2/message/index.ts'

/** @param head `ours`: the length is stated as it was when we posted it */
export async function* rawMessage(head: { readonly headers: readonly HeaderPair[]; readonly bodyBytes: number; readonly ours: boolean }, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield blockOf(head.ours ? withContentLength(head.headers, head.bodyBytes) : head.headers)
  yield* body
}

export async function* rawReceipt({ headers, body }: { readonly headers: readonly HeaderPair[]; readonly body: Uint8Array }): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(blockOf(headers))
  yield body
}

/** Received headers may hold anything but line ends; ours are plain. */
function blockOf(headers: readonly HeaderPair[]): Uint8Array {
  try {
    return headerBlock(headers)
  } catch {
    return Buffer.from(`${headers.map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]+/g, ' ')}`).join('\r\n')}\r\n\r\n`, 'utf8')
  }
}
