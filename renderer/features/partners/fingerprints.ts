/** Whether what a person was told is the presented fingerprint; spaces and a missing prefix are forgiven, nothing else. */
export function compareFingerprints(told: string, presented: string): 'empty' | 'incomplete' | 'same' | 'different' {
  const plain = told.replaceAll(/\s+/g, '').replace(/^SHA256:/i, '').replace(/=+$/, '')
  if (plain === '') return 'empty'
  const expected = presented.replace(/^SHA256:/, '')
  if (plain === expected) return 'same'
  return plain.length < expected.length && expected.startsWith(plain) ? 'incomplete' : 'different'
}
