/** What works with keys and messages. The library behind it takes longer to load than most commands to run: import this where a key is at hand. */
export { signDetached, verifyDetached, type DetachedReport, type DetachedSignature } from './detached.ts'
export { applyRevocation, generatePgpKey, protectedSecretText, publicKeyText, readPgpKeys, secretKeyToSeal, type NewPgpKey } from './keys.ts'
export { protect, type EncryptedTo, type ProtectOptions, type ProtectReport } from './protect.ts'
export { unprotect, type UnprotectOptions, type UnprotectReport } from './unprotect.ts'
