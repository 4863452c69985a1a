/** The key with which this workspace signs what it hands on: approvals and statements. It never leaves. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { SealedSecrets } from '../store/sealed-secrets.ts'

/** Where approvals have had it from the beginning. */
export const WORKSPACE_KEY = 'policy/workspace-key'

export interface WorkspaceSignature {
  /** Ed25519, Base64. */
  readonly value: string
  /** SPKI, PEM. */
  readonly publicKey: string
}

/** Signs a text (its UTF-8 bytes); the key is made at the first use. */
export function signAsWorkspace(secrets: SealedSecrets, text: string): WorkspaceSignature {
  const known = secrets.get(WORKSPACE_KEY)
  const pem = known ?? generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (known === null) secrets.put(WORKSPACE_KEY, pem)
  const key = createPrivateKey(pem)
  return { value: sign(null, Buffer.from(text), key).toString('base64'), publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() }
}
