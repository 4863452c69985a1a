/** RFC 2047 encoded words, as old products put them into file names and subjects. */

const WORD = /=\?([^?\s]{1,60})\?([BbQq])\?([^?\s]*)\?=/g
/** Words that follow each other. Blanks between them vanish (RFC 2047 6.2). */
const RUN = /=\?[^?\s]{1,60}\?[BbQq]\?[^?\s]*\?=(?:[ \t]*=\?[^?\s]{1,60}\?[BbQq]\?[^?\s]*\?=)*/g

/** Text with every encoded word decoded; what cannot be decoded stays as it is. */
export function decodeEncodedWords(text: string): string {
  return text.includes('=?') ? text.replaceAll(RUN, decodeRun) : text
}

/** Words of one character set are decoded together: some products cut a character in two, though none should (RFC 2047 5). */
function decodeRun(run: string): string {
  const pieces: { readonly charset: string; bytes: Buffer; raw: string }[] = []
  for (const [raw, named = '', encoding = '', data = ''] of run.matchAll(WORD)) {
    const charset = named.replace(/\*.*$/, '').toLowerCase()
    const bytes = encoding.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : quotedBytes(data)
    const last = pieces.at(-1)
    if (last?.charset === charset) Object.assign(last, { bytes: Buffer.concat([last.bytes, bytes]), raw: last.raw + raw })
    else pieces.push({ charset, bytes, raw })
  }
  return pieces.map(({ charset, bytes, raw }) => decodeCharset(bytes, charset) ?? raw).join('')
}

function quotedBytes(data: string): Buffer {
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
