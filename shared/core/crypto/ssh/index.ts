export { describeBlob, describeFingerprint, fingerprintOf, readPublicKey, type SshPublicKey } from './public-key.ts'
export { generateSshKey, readPrivateKey, type SshKeyAlgorithm, type SshKeyPair } from './private-key.ts'
