/** Private halves leave under a password only. */
import { createPrivateKey } from 'node:crypto'
import { ssh2 } from '../crypto/ssh/library.ts'
import { privateKeyPem, readCertificate, readPrivateKey, writePkcs12 } from '../crypto/x509/index.ts'
import { AppError } from '../kernel/errors.ts'
import { fileNameOf, type ExportedFile } from './exports.ts'
import type { StoredItem } from './repository.ts'

/** PKCS#12 for certificates, PKCS#8 for SSH keys, armour for OpenPGP keys; each encrypted. */
export async function exportedPrivate({ item, chain }: StoredItem, privateKey: string, password: string): Promise<ExportedFile> {
  const name = fileNameOf(item)
  if (item.kind === 'pgp') {
    const { pgpSecretText } = await import('./pgp-items.ts')
    return { fileName: `${name}.secret.asc`, text: await pgpSecretText(item, privateKey, password), encoding: 'text' }
  }
  if (item.kind === 'ssh-client') return { fileName: `${name}.key`, text: privateKeyPem(sshKey(privateKey), password), encoding: 'text' }
  const certificate = readCertificate(item.publicKey ?? '')
  const container = writePkcs12({ entries: [{ privateKey: readPrivateKey(privateKey), certificate, chain: chain.map((pem) => readCertificate(pem)), friendlyName: item.label }], password })
  return { fileName: `${name}.p12`, text: Buffer.from(container).toString('base64'), encoding: 'base64' }
}

function sshKey(text: string): ReturnType<typeof createPrivateKey> {
  const parsed = ssh2().utils.parseKey(text)
  if (parsed instanceof Error) throw new AppError('key.malformed', parsed.message)
  return createPrivateKey(parsed.getPrivatePEM())
}
