import { expect, it } from 'vitest'
import { compareCertificates, compareFingerprints } from './fingerprints.ts'

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

it('knows a certificate by its own fingerprint in any writing, or by its public key, and by nothing else', () => {
  const hex = 'ab'.repeat(32)
  const presented = { fingerprint: `sha256:${hex}`, publicKeyPin: `spki:${'A'.repeat(43)}=` }
  for (const told of [hex, `sha256:${hex}`, 'AB:'.repeat(31) + 'AB', ` SHA-256: ${'AB '.repeat(32)}`]) expect(compareCertificates(told, presented)).toEqual({ verdict: 'same', compared: presented.fingerprint })
  expect(compareCertificates(` ${presented.publicKeyPin}`, presented)).toEqual({ verdict: 'same', compared: presented.publicKeyPin })
  expect(compareCertificates('sha256:abab', presented).verdict).toBe('incomplete')
  expect(compareCertificates('', presented).verdict).toBe('empty')
  for (const told of ['cd'.repeat(32), `spki:${'B'.repeat(43)}=`, `spki:${hex}`]) expect(compareCertificates(told, presented).verdict).toBe('different')
})
