/** Telling a file that is damaged from one that is nothing of ours at all. Pure. */
import { isPpk } from '../crypto/ssh/index.ts'
import { AppError } from '../kernel/errors.ts'

const TRIED = 'certificates and keys (PEM, DER), PKCS#7, PKCS#12, Java key stores, OpenPGP keys (text and binary), OpenSSH and PuTTY keys, known_hosts'

const BEGINNINGS: readonly (readonly [what: string, octets: readonly string[]])[] = [
  ['a PDF document', ['%PDF']],
  ['a ZIP archive: unpack it first', ['PK\x03\x04']],
  ['a compressed file: unpack it first', ['\x1f\x8b', 'BZh', '7z\xbc\xaf', '\xfd7zXZ', '\x28\xb5\x2f\xfd']],
  ['a picture', ['\x89PNG', '\xff\xd8\xff', 'GIF8']],
  ['a web page or XML', ['<']],
  ['a JSON document', ['{', '[']],
  ['an EDI file', ['UNA', 'UNB+', 'ISA']],
]

/** Whether somebody meant it to be one of the formats: then what is wrong with it is worth saying. */
export function isMeantAsKey(content: Buffer): boolean {
  const text = content.toString('latin1')
  if (text.includes('-----BEGIN ') || isPpk(text)) return true
  if (/(^|\s)(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)\S+\s+AAAA|^@(cert-authority|revoked)\s/m.test(text)) return true
  return isDer(content) || isBinaryPgp(content)
}

/** One SEQUENCE that begins with another or with a version, as long as the file or longer, because it was cut. */
function isDer(content: Buffer): boolean {
  const [tag, first = 0, ...more] = content.subarray(0, 6)
  if (tag !== 0x30) return false
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (octets > 4) return false
  const length = octets === 0 ? first : more.slice(0, octets).reduce((sum, octet) => sum * 256 + octet, 0)
  const inside = content[2 + octets]
  return 2 + octets + length >= content.length && (inside === 0x30 || inside === 0x02 || inside === 0x06)
}

/** A public or secret key packet of a version that there is (RFC 9580 5.5). */
function isBinaryPgp(content: Buffer): boolean {
  const first = content[0] ?? 0
  const old = (first & 0x40) === 0
  const tag = old ? (first >> 2) & 0x0f : first & 0x3f
  if ((first & 0x80) === 0 || (tag !== 5 && tag !== 6)) return false
  const lengthOctets = old ? 1 << (first & 0x03) : (content[1] ?? 0) < 192 ? 1 : (content[1] ?? 0) < 255 ? 2 : 5
  const version = content[1 + lengthOctets] ?? 0
  return version >= 2 && version <= 6
}

/** `key.unknown_format`: what was tried, and what the file looks like. */
export function unknownFormat(content: Buffer): AppError {
  const begins = content.subarray(0, 8).toString('latin1').trimStart()
  const known = BEGINNINGS.find(([, octets]) => octets.some((first) => begins.startsWith(first)))?.[0]
  const looksLike = content.length === 0 ? 'empty' : (known ?? (content.includes(0) ? 'binary data' : 'text'))
  return new AppError('key.unknown_format', `not a certificate, key, known_hosts line or container that we know; the file is ${looksLike}. Tried: ${TRIED}`, { details: { looksLike, tried: TRIED } })
}
