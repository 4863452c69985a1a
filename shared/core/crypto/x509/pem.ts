/** PEM armour (RFC 7468), read leniently: text around it, wrong line lengths, blanks and CR are tolerated. */

/** One armoured block. */
export interface PemBlock {
  readonly label: string
  readonly der: Uint8Array
  /** True when the block carries headers (the old encrypted key format). */
  readonly encapsulated: boolean
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*(?:-(?!----END )[^-]*)*)-----END \1-----/g

/** All blocks in order. */
export function readPem(text: string): PemBlock[] {
  return Array.from(text.matchAll(BLOCK), ([, label = '', body = '']) => {
    const encapsulated = body.includes(':')
    const base64 = encapsulated ? (body.split(/\r?\n\s*\r?\n/)[1] ?? '') : body
    return { label, der: Buffer.from(base64.replace(/[^A-Za-z0-9+/=]/g, ''), 'base64'), encapsulated }
  })
}

/** Armour with 64 characters to a line, LF line ends. */
export function writePem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** Text when the bytes are PEM (possibly with a byte-order mark or in UTF-16), else undefined. */
export function pemTextOf(input: Uint8Array | string): string | undefined {
  if (typeof input === 'string') return input.includes('-----BEGIN ') ? input : undefined
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16().toString('utf16le')
  return bytes.includes('-----BEGIN ') ? bytes.toString('latin1') : undefined
}

/** DER of an input that is not PEM: as it is, or from bare Base64, which some products write into .cer files. */
export function derOf(input: Uint8Array | string): Uint8Array {
  if (typeof input === 'string') return Buffer.from(input, 'base64')
  if (input[0] === 0x30 && (input[1] ?? 0) >= 0x80) return input
  const text = Buffer.from(input.buffer, input.byteOffset, input.length).toString('latin1')
  return /^(?:\xef\xbb\xbf)?[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? Buffer.from(text.replace(/^\xef\xbb\xbf/, ''), 'base64') : input
}
