/** Whether what a person was told is the presented fingerprint; spaces and a missing prefix are forgiven, nothing else. */
export function compareFingerprints(told: string, presented: string): 'empty' | 'incomplete' | 'same' | 'different' {
  const plain = told.replaceAll(/\s+/g, '').replace(/^SHA256:/i, '').replace(/=+$/, '')
  if (plain === '') return 'empty'
  const expected = presented.replace(/^SHA256:/, '')
  if (plain === expected) return 'same'
  return plain.length < expected.length && expected.startsWith(plain) ? 'incomplete' : 'different'
}

/**
 * The same for a certificate, which people know by the SHA-256 of the whole (hex, with or without colons) or of its public key
 * (`spki:` and Base64). Answers also which of the two was meant.
 */
export function compareCertificates(told: string, presented: { readonly fingerprint: string; readonly publicKeyPin: string }): { readonly verdict: ReturnType<typeof compareFingerprints>; readonly compared: string } {
  const plain = told.replaceAll(/\s+/g, '')
  const isKey = /^spki:/i.test(plain)
  const compared = isKey ? presented.publicKeyPin : presented.fingerprint
  const given = isKey ? plain.replace(/^spki:/i, '') : plain.replace(/^sha-?256:/i, '').replaceAll(':', '').toLowerCase()
  const expected = compared.replace(/^(spki|sha256):/, '')
  if (given === '') return { verdict: 'empty', compared }
  if (given === expected) return { verdict: 'same', compared }
  return { verdict: given.length < expected.length && expected.startsWith(given) ? 'incomplete' : 'different', compared }
}
