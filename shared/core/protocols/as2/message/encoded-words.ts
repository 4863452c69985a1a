/** RFC 2047 encoded words, as old products put them into file names and subjects. */

const WORD = /=\?([^?\s]{1,60})\?([BbQq])\?([^?\s]*)\?=/g

/** Text with every encoded word decoded; what cannot be decoded stays as it is. Blanks between two words vanish (RFC 2047 6.2). */
export function decodeEncodedWords(text: string): string {
  if (!text.includes('=?')) return text
  const joined = text.replaceAll(/(\?=)[ \t]+(?==\?)/g, '$1')
  return joined.replaceAll(WORD, (whole, charset: string, encoding: string, data: string) => {
    const bytes = encoding.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : quotedBytes(data)
    return decodeCharset(bytes, charset.replace(/\*.*$/, '')) ?? whole
  })
}

function quotedBytes(data: string): Uint8Array {
  const plain = data.replaceAll('_', ' ').replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}

/** Text in a named character set; undefined when the name is unknown. */
export function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset).decode(bytes)
  } catch {
    return undefined
  }
}
