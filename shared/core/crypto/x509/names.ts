/** Distinguished names: a readable form, and a comparison that forgives re-encoding. RFC 5280 4.1.2.4, RFC 4514. */
import { childrenOf, contentOf, oidOf, readBer, type BerNode } from '../asn1/ber-node.ts'
import { OID } from '../asn1/oids.ts'

/** One attribute of a name, in the order of the encoding. */
export interface NameAttribute {
  readonly oid: string
  readonly value: string
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  [OID.commonName]: 'CN',
  [OID.serialNumberAttribute]: 'serialNumber',
  [OID.country]: 'C',
  [OID.locality]: 'L',
  [OID.state]: 'ST',
  [OID.street]: 'street',
  [OID.organization]: 'O',
  [OID.organizationalUnit]: 'OU',
  [OID.emailAddress]: 'emailAddress',
  [OID.domainComponent]: 'DC',
}

/** Text of any string type. Unknown types are read as Latin-1: showing something beats refusing a certificate. */
export function stringOf(node: BerNode): string {
  const content = Buffer.from(contentOf(node))
  switch (node.tag & 0x1f) {
    case 0x0c: // UTF8String
      return content.toString('utf8')
    case 0x1e: // BMPString, big-endian UCS-2
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : content.toString('latin1')
    case 0x1c: // UniversalString, big-endian UCS-4
      return content.length % 4 === 0 ? ucs4(content) : content.toString('latin1')
    default:
      return content.toString('latin1')
  }
}

function ucs4(content: Buffer): string {
  let text = ''
  for (let at = 0; at < content.length; at += 4) {
    const point = content.readUInt32BE(at)
    text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd'
  }
  return text
}

/** Attributes of a DER name. A part that cannot be read is left out. */
export function readName(der: Uint8Array): NameAttribute[] {
  const attributes: NameAttribute[] = []
  try {
    for (const set of childrenOf(readBer(der))) {
      for (const pair of childrenOf(set)) {
        const [type, value] = childrenOf(pair)
        if (value !== undefined) attributes.push({ oid: oidOf(type), value: stringOf(value) })
      }
    }
  } catch {
    // what was read so far is still worth showing
  }
  return attributes
}

/** `CN=…, O=…` with the most specific attribute first; special characters escaped (RFC 4514 2.4). */
export function nameText(attributes: readonly NameAttribute[]): string {
  return attributes
    .map(({ oid, value }) => `${SHORT_NAMES[oid] ?? oid}=${value.replace(/[,+"\\<>;]/g, String.raw`\$&`)}`)
    .toReversed()
    .join(', ')
}

/** A form in which two encodings of one name are equal (RFC 5280 7.1): string type, case and runs of blanks do not count. */
export function comparableName(der: Uint8Array): string {
  return JSON.stringify(readName(der).map(({ oid, value }) => [oid, value.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()]))
}
