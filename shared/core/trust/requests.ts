/** Certificate requests (PKCS#10) for keys that are here. Pure. */
import { OID } from '../crypto/asn1/oids.ts'
import { createCertificateRequest, readCertificate, readName, readPrivateKey, type SubjectName } from '../crypto/x509/index.ts'
import { inOperatorsWords } from './certificates.ts'
import { fileNameOf, type ExportedFile } from './exports.ts'
import type { StoredItem } from './repository.ts'

const PARTS: Readonly<Record<string, keyof SubjectName>> = {
  [OID.commonName]: 'commonName',
  [OID.organization]: 'organization',
  [OID.organizationalUnit]: 'organizationalUnit',
  [OID.locality]: 'locality',
  [OID.state]: 'state',
  [OID.country]: 'country',
  [OID.emailAddress]: 'email',
}

/** Asks for the names and purposes that the present certificate of the key has. */
export function requestFor({ item }: StoredItem, privateKey: string): ExportedFile {
  const certificate = readCertificate(item.publicKey ?? '')
  const names = Object.fromEntries(readName(certificate.subjectDer).flatMap(({ oid, value }) => (PARTS[oid] === undefined ? [] : [[PARTS[oid], value]])))
  const purposes = certificate.extendedKeyUsage ?? []
  const tls = purposes.includes(OID.serverAuth) || purposes.includes(OID.clientAuth)
  const usage = !tls ? 'exchange' : purposes.includes(OID.emailProtection) ? 'all' : 'tls'
  const request = inOperatorsWords(() =>
    createCertificateRequest({ subject: { commonName: item.label, ...names }, altNames: certificate.altNames.filter(({ type }) => type !== 'other'), usage }, readPrivateKey(privateKey)),
  )
  return { fileName: `${fileNameOf(item)}.csr`, text: request.pem(), encoding: 'text' }
}
