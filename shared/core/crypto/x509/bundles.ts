/** Files that hold several certificates: PEM bundles, and certificates-only PKCS#7 in PEM or DER. */
import { sniffCms } from '../cms/content-info.ts'
import { parseSignedData } from '../cms/signed-data.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { derOf, pemTextOf, readPem } from './pem.ts'

/** Every certificate in the file, in its order. Throws `cms.certificate_unreadable` when there is none. */
export function readCertificates(input: Uint8Array | string): Certificate[] {
  const text = pemTextOf(input)
  if (text === undefined) {
    const der = derOf(input)
    return sniffCms(der) === 'signed-data' ? embedded(der) : [readCertificate(der)]
  }
  const found = readPem(text).flatMap(({ label, der }) => (label.endsWith('CERTIFICATE') ? [readCertificate(der)] : label === 'PKCS7' || label === 'CMS' ? embedded(der) : []))
  return found.length > 0 ? found : [readCertificate(input)]
}

function embedded(der: Uint8Array): Certificate[] {
  return parseSignedData(der).embeddedCertificates.map((one) => one.certificate ?? readCertificate(one.der))
}
