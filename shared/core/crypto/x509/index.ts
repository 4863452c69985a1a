/** Certificates and keys; see ../cms/README.md, last section. */
export { readCertificate, type Certificate } from './certificate.ts'
export { readCertificates } from './bundles.ts'
export type { AltName, KeyUsage } from './extensions.ts'
export { keyMatchesCertificate, privateKeyPem, readPrivateKey } from './keys.ts'
export { nameText, readName } from './names.ts'
export { readPem, writePem } from './pem.ts'
export { generateSelfSigned, type SelfSignedOptions, type SubjectName } from './self-signed.ts'
