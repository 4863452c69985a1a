import { readCertificate, type Certificate } from './certificate.ts'

const MOST_REMEMBERED = 128
const remembered = new Map<string, Certificate>()

/**
 * `readCertificate` for what comes again and again: a partner signs each message with the same certificate, a server shows it on every
 * connection, and FTPS opens one for each file. Reading it takes longer than judging it. Throws likewise.
 */
export function readCertificateAgain(der: Uint8Array): Certificate {
  const key = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1')
  const known = remembered.get(key)
  if (known !== undefined) return known
  const certificate = readCertificate(der)
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(key, certificate)
  return certificate
}
