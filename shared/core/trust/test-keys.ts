/** Keys that products ship for trying out: everybody has their private halves. */
import { KNOWN_TEST_KEYS } from '../crypto/x509/known-test-keys.ts'

const PRODUCTS: ReadonlyMap<string, string> = new Map(KNOWN_TEST_KEYS.map(({ product, name, spkiSha256 }) => [`spki:${Buffer.from(spkiSha256, 'hex').toString('base64')}`, `${product} (${name})`]))

/** The product whose test key it is, by the `spki:…` of an item; or null. */
export function productOfTestKey(keyId: string | null | undefined): string | null {
  return PRODUCTS.get(keyId ?? '') ?? null
}
