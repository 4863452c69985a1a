import { expect, it } from 'vitest'
import { compareFingerprints } from './fingerprints.ts'

const presented = 'SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg'

it.each([
  ['', 'empty'],
  ['  ', 'empty'],
  [presented, 'same'],
  ['n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=', 'same'],
  ['SHA256: n4bQgYhMfWWaL +qgxVrQFaO/ TxsrC4Is0V1sFbDwCgg', 'same'],
  ['SHA256:n4bQ', 'incomplete'],
  ['SHA256:n4bq', 'different'],
  ['SHA256:N4BQGYHMFWWAL+QGXVRQFAO/TXSRC4IS0V1SFBDWCGG', 'different'],
  [`${presented}x`, 'different'],
])('%j is %s', (told, verdict) => expect(compareFingerprints(told, presented)).toBe(verdict))
