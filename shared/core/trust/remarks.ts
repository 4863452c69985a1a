/** What is worth knowing of an item whatever it is used for. Pure. */
import type { FitnessProblem } from '../../contract/trust-details.ts'
import type { NewItem } from './new-item.ts'
import { productOfTestKey } from './test-keys.ts'

/** `sharing`: labels of other items with the same key pair. */
export function remarksOf(key: Pick<NewItem, 'fingerprint' | 'keyId' | 'x509'>, sharing: readonly string[]): FitnessProblem[] {
  const product = productOfTestKey(key)
  return [
    ...(product === null ? [] : [{ severity: 'error' as const, code: 'test-key', message: `this is the test key that comes with ${product}; everybody has its private half` }]),
    ...(sharing.length === 0 ? [] : [{ severity: 'warning' as const, code: 'shared-key', message: `its key pair is also that of ${sharing.join(', ')}` }]),
  ]
}
