/** Every cryptographic primitive that CMS and X.509 use, in one place, each with a known-answer test (`selfTest`). */
export { CIPHER_SIZES, cbcDecryptor, cbcEncryptor, gcmDecryptor, gcmEncryptor, gcmTagWithoutAad, isGcm, unpadded, type CbcCipher, type ContentCipherStream, type GcmCipher } from './ciphers.ts'
export { createDigest, DIGEST_BYTES, digestOf, randomOctets, type DigestName } from './digests.ts'
export { verifyEcdsaDigest } from './ecdsa-digest.ts'
export { unwrapKey, wrapKey, type KeyTransport, type WrappedKey } from './key-transport.ts'
export { rsaModulusBytes } from './rsa.ts'
export { selfTest, type SelfTestResult } from './self-test.ts'
export { signEcdsa, signRsaPkcs1, signRsaPss, verifyEcdsa, verifyRsaPkcs1, verifyRsaPss, type PssParameters } from './signatures.ts'
export { zlibCompressor, zlibDecompressor } from './zlib.ts'
