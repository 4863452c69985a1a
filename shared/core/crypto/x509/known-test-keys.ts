/**
 * Keys whose private halves are public, because products ship them for trying out. Whoever uses one in production shares it
 * with the world. SHA-256 over the SubjectPublicKeyInfo, so that a new certificate for the same key is found too.
 */
export interface KnownTestKey {
  readonly product: string
  readonly name: string
  readonly spkiSha256: string
}

export const KNOWN_TEST_KEYS: readonly KnownTestKey[] = [
  { product: 'mendelson AS2', name: 'key1', spkiSha256: 'd65bc266eb8768415a57bf6c62a544add5641c0291346425b8f560bd2c6eedde' },
  { product: 'mendelson AS2', name: 'key2', spkiSha256: '377993a30f54b9f1b79037ad9c1b3a624436f475a462427a7e702e3a4bf056fc' },
  { product: 'mendelson AS2', name: 'mendelson test key 3', spkiSha256: '6ea6a654d924ad066589613d3711070ec30fba701fdbb6b8aab31d068a1d217d' },
  { product: 'mendelson AS2', name: 'mendelson test key 4', spkiSha256: '1fc8ae96df1e796c2d6b3cf95b0b06c0bbdadc0f2f1bb9b72b5651eb8eeb1e50' },
  { product: 'pyas2-lib', name: 'pyas2lib', spkiSha256: '217152fb7d89e4766c0ff0b2e6ac95c8cc779d8781c1d6b963098aa70d82ab64' },
  { product: 'pyas2-lib', name: 'test', spkiSha256: '2f4d51b01f9267088ec070fd85fe1bf6ac3277bd8cdd90433049f5ff831ef1a9' },
  { product: 'pyas2', name: 'Internet Widgits Pty Ltd', spkiSha256: '0c34e45bb10476ab9534698e53784874f34e0a742f695518fcfe433126a1775d' },
  { product: 'libas2', name: 'libas2community', spkiSha256: '2c982fffea42223a73af1d0c4bd2cd66be8e700e0eb70f5d24c00320cdf1c348' },
]
