/** Public parts as files. Pure. */
import { certificatesOnly, readCertificate } from '../crypto/x509/index.ts'
import { AppError } from '../kernel/errors.ts'
import type { StoredItem } from './repository.ts'
import { chainText } from './x509-material.ts'

export type ExportFormat = 'pem' | 'der' | 'p7b'

export interface ExportedFile {
  readonly fileName: string
  readonly text: string
  readonly encoding: 'text' | 'base64'
}

/** Rejects with `input.invalid` when the form does not exist for the item. */
export function exported({ item, chain }: StoredItem, format: ExportFormat): ExportedFile {
  const { publicKey } = item
  if (publicKey === null) throw new AppError('input.invalid', 'only the fingerprint of this item is known')
  const name = fileNameOf(item)
  if (item.x509 === null) {
    if (format !== 'pem') throw new AppError('input.invalid', `${format} is a form of certificates`)
    return publicKey.startsWith('-----')
      ? { fileName: `${name}.asc`, text: publicKey, encoding: 'text' }
      : { fileName: `${name}.pub`, text: `${publicKey} ${item.label}\n`, encoding: 'text' }
  }
  if (format === 'pem') return { fileName: `${name}.pem`, text: chainText(publicKey, []), encoding: 'text' }
  const certificates = [publicKey, ...(format === 'p7b' ? chain : [])].map((pem) => readCertificate(pem).der)
  const [first = Buffer.alloc(0)] = certificates
  const bytes = format === 'p7b' ? certificatesOnly(certificates) : first
  return { fileName: `${name}.${format === 'p7b' ? 'p7b' : 'cer'}`, text: Buffer.from(bytes).toString('base64'), encoding: 'base64' }
}

/** Its label, made safe for every file system; without an ending. */
export function fileNameOf({ label, id }: { readonly label: string; readonly id: string }): string {
  return label.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '').slice(0, 80) || id
}
