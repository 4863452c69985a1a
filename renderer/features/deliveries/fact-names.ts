/** What protocols and OpenPGP tell, in words; a name that is not here is shown as it is. */
const NAMES: Readonly<Record<string, string>> = {
  etag: 'ETag',
  versionId: 'Version',
  checksum: 'Checksum',
  encryption: 'Encryption there',
  kex: 'Key exchange',
  cipher: 'Cipher',
  hostKeyFingerprint: 'Host key',
  hostKeyAlgorithm: 'Kind of host key',
  serverSoftware: 'Server',
  tlsVersion: 'TLS',
  serverCertificate: 'Certificate',
  serverIssuer: 'Issued by',
  clientCertificate: 'Our certificate',
  dataProtection: 'Data connections',
  pgpProfile: 'OpenPGP profile',
  pgpCipher: 'OpenPGP cipher',
  pgpPacket: 'OpenPGP packet',
  pgpRecipients: 'Encrypted to',
  pgpSignedWith: 'Signed with',
  pgpEncryption: 'OpenPGP encryption',
  pgpSignedBy: 'OpenPGP signature by',
  pgpSignatureHash: 'Signature\'s hash',
  pgpSignedAt: 'Signed at',
  pgpWarnings: 'OpenPGP warnings',
}

/** Rows for `Facts`, in the order in which they were noted. */
export function factRows(facts: Readonly<Record<string, string>>): (readonly [string, string])[] {
  return Object.entries(facts).flatMap(([name, value]) => (value === '' ? [] : [[NAMES[name] ?? name, value] as const]))
}
