/** What protocols and OpenPGP tell, in words; a name that is not here is shown as it is. */
const NAMES: Readonly<Record<string, string>> = {
  etag: 'ETag',
  unpackedFiles: 'Files inside',
  unpackedFrom: 'Came inside',
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
  contentType: 'Content type',
  attachments: 'Attachments',
  compressed: 'Compressed',
  signed: 'Signed with',
  signedBy: 'Signed by',
  encrypted: 'Encrypted with',
  encryptedTo: 'Encrypted to',
  keyTransport: 'Key transport',
  signerKey: 'Key that signed',
  signerExpired: 'Certificate expired on',
  recipientKey: 'Key encrypted to',
  serverKey: 'Key of the server',
  clientKey: 'Our key',
  signInKey: 'Key that signs in',
  hostKey: 'Host key kind and size',
  receiptAsked: 'Receipt asked for',
  receiptSigned: 'Receipt signed with',
  pgpSignerKey: 'OpenPGP key that signed',
  pgpRecipientKey: 'OpenPGP key encrypted to',
  decryptedBy: 'Opened with',
  messageId: 'Message',
  transport: 'Transport',
  httpStatus: 'HTTP answer',
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

/** The name of one fact, in words. */
export function factName(name: string): string {
  return NAMES[name] ?? name
}

/** Rows for `Facts`, in the order in which they were noted. */
export function factRows(facts: Readonly<Record<string, string>>): (readonly [string, string])[] {
  return Object.entries(facts).flatMap(([name, value]) => (value === '' ? [] : [[factName(name), value] as const]))
}
