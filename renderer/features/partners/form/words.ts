/** Values of choices as people say them; a value that is not here stands for itself. */
const WORDS: Readonly<Record<string, string>> = {
  // How an identity is decided, and how TLS starts
  authority: 'By an authority and the server’s name',
  pinned: 'By pinned certificates only',
  explicit: 'Explicit (AUTH TLS, port 21)',
  implicit: 'Implicit (TLS at once, port 990)',
  epsv: 'EPSV, else PASV',
  pasv: 'PASV',
  // Checks, receiving
  auto: 'Automatic',
  size: 'By size',
  hash: 'By the server’s checksum',
  'read-back': 'Read back and compare',
  leave: 'Leave it there',
  delete: 'Delete it there',
  move: 'Move it there',
  hold: 'Hold it for a person',
  take: 'Take it as a new file',
  // OpenPGP
  none: 'None',
  sign: 'Sign',
  encrypt: 'Encrypt',
  'sign-and-encrypt': 'Sign and encrypt',
  open: 'Decrypt and check signatures',
  gnupg22: 'For every GnuPG (2.1 and later)',
  modern: 'Modern (AEAD)',
  // AS2
  'before-signing': 'Before signing',
  'after-signing': 'After signing',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
  sha1: 'SHA-1 (needs an exception)',
  'rsa-pkcs1': 'PKCS#1 v1.5',
  'rsa-pss': 'PSS',
  'aes-256-cbc': 'AES-256-CBC',
  'aes-192-cbc': 'AES-192-CBC',
  'aes-128-cbc': 'AES-128-CBC',
  'aes-256-gcm': 'AES-256-GCM',
  'aes-192-gcm': 'AES-192-GCM',
  'aes-128-gcm': 'AES-128-GCM',
  'des-ede3-cbc': 'Triple DES (needs an exception)',
  'rsaes-pkcs1': 'RSA PKCS#1 v1.5',
  'rsaes-oaep-sha256': 'RSA OAEP, SHA-256',
  'rsaes-oaep-sha512': 'RSA OAEP, SHA-512',
  'rsaes-oaep-sha1': 'RSA OAEP, SHA-1',
  signed: 'Signed',
  unsigned: 'Unsigned',
  sync: 'In the answer to our message (sync)',
  async: 'Later, posted to us (async)',
  rename: 'Give it a number',
  refuse: 'Refuse it',
  'with-headers': 'With the headers of the part',
  'without-headers': 'Without headers',
  // S3
  static: 'Access key',
  profile: 'Profile of this computer',
  'when-required': 'When required',
  'when-supported': 'Whenever supported (Amazon)',
  AES256: 'AES-256 by the store',
  'aws:kms': 'Key management service (KMS)',
  // Proxies
  http: 'HTTP',
  socks5: 'SOCKS 5',
}

/** Titles of the choice between shapes, where the shape has a title of its own besides. */
export function choiceText(value: string): string {
  return WORDS[value] ?? value
}
