/**
 * SHA-256 for the SDK's signer, which asks for it three times a request. The SDK's own class prepares each key anew, and that takes
 * several times as long as the digests.
 */
import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto'

type Data = string | ArrayBuffer | ArrayBufferView

/** What the signer makes its digests with: a hash, or with a secret an HMAC. */
export type SigningDigest = new (secret?: Data) => { update(data: Uint8Array): void; digest(): Promise<Uint8Array>; reset(): void }

/** The secret itself and one derived key a day and region. */
const MOST_KEYS = 16

/** Keys are kept as long as what is answered here is: for one connection. */
export function signingDigest(): SigningDigest {
  const keys = new Map<Data, KeyObject>()
  const keyOf = (secret: Data): KeyObject => {
    const known = keys.get(secret)
    if (known !== undefined) return known
    const key = createSecretKey(bytesOf(secret))
    if (keys.size >= MOST_KEYS) keys.clear()
    keys.set(secret, key)
    return key
  }
  return class {
    readonly #begin: () => Hash | Hmac
    #digest: Hash | Hmac
    constructor(secret?: Data) {
      this.#begin = () => (secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret)))
      this.#digest = this.#begin()
    }
    update(data: Uint8Array): void {
      this.#digest.update(data)
    }
    async digest(): Promise<Uint8Array> {
      return await Promise.resolve(this.#digest.digest())
    }
    reset(): void {
      this.#digest = this.#begin()
    }
  }
}

function bytesOf(data: Data): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}
