/** What is worth knowing of an item whatever it is used for. Pure. */
import type { FitnessProblem } from '../../contract/trust-details.ts'
import { inspectCertificate, readCertificate } from '../crypto/x509/index.ts'
import type { NewItem } from './new-item.ts'
import { productOfTestKey } from './test-keys.ts'

/** `sharing`: labels of other items with the same key pair. */
export function remarksOf(key: Pick<NewItem, 'keyId' | 'publicKey' | 'x509'>, sharing: readonly string[]): FitnessProblem[] {
  const product = productOfTestKey(key.keyId)
  return [
    ...(product === null ? [] : [{ severity: 'error' as const, code: 'test-key', message: `this is the test key that comes with ${product}; everybody has its private half` }]),
    ...oddities(key),
    ...(sharing.length === 0 ? [] : [{ severity: 'warning' as const, code: 'shared-key', message: `its key pair is also that of ${sharing.join(', ')}` }]),
  ]
}

/** What the reader of certificates finds odd; what depends on the role is judged with the roles. */
const JUDGED_BY_ROLE: readonly string[] = ['known-test-key', 'key-small', 'expired', 'not-yet-valid', 'weak-signature', 'key-unreadable']

function oddities({ publicKey, x509 }: Pick<NewItem, 'publicKey' | 'x509'>): FitnessProblem[] {
  if (x509 === undefined || publicKey === null) return []
  return inspectCertificate(readCertificate(publicKey))
    .filter(({ code, severity }) => severity !== 'note' && !JUDGED_BY_ROLE.includes(code))
    .map(({ severity, code, message }) => ({ severity: severity === 'error' ? 'error' : 'warning', code, message }))
}
