/** File names of payloads: read in every form, made fit for a file system, and written so that everybody can read them. */
import { decodeEncodedWords } from './encoded-words.ts'
import { MessageError } from './errors.ts'
import { headerValue, type HeaderPair } from './header-fields.ts'
import { readMediaType } from './media-type.ts'

const MAX_NAME_BYTES = 255

/** The name in `Content-Disposition: …; filename` or `Content-Type: …; name`, decoded but not made safe. */
export function readFileName(headers: readonly HeaderPair[]): string | undefined {
  const disposition = readMediaType(headerValue(headers, 'content-disposition')).parameters.get('filename')
  const name = [disposition, readMediaType(headerValue(headers, 'content-type')).parameters.get('name')].find((one) => one !== undefined && one.trim() !== '')
  return name === undefined ? undefined : decodeEncodedWords(name)
}

// Direction marks and zero-width characters make a name look like another one.
const UNFIT = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff:*?"<>|]/gu
const DOS_DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\.|$)/i

/**
 * A name for one file in one folder of any system: no folder parts, no controls, no reserved names, at most 255 bytes of
 * UTF-8, no leading dot, no trailing dot or blank, never empty. `fallback` is made safe in the same way.
 */
export function safeFileName(raw: string | undefined, fallback = 'payload'): string {
  return fit(raw ?? '') ?? fit(fallback) ?? 'payload'
}

function fit(raw: string): string | undefined {
  const last = raw.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const plain = last
    .replaceAll(UNFIT, '')
    .replace(/^\s+/, '')
    .replace(/^\.+/, (dots) => '_'.repeat(dots.length))
    .replace(/[. ]+$/, '')
  if (!/[^_\s]/.test(plain)) return undefined
  const name = shorten(DOS_DEVICE.test(plain) ? `_${plain}` : plain)
  return name === '' ? undefined : name
}

/** Cuts before the extension, never inside a character. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= 20 ? name.slice(dot) : ''
  let stem = extension === '' ? name : name.slice(0, dot)
  const room = MAX_NAME_BYTES - Buffer.byteLength(extension)
  const letters = [...stem]
  let bytes = 0
  let kept = 0
  while (kept < letters.length) {
    bytes += Buffer.byteLength(letters[kept] ?? '')
    if (bytes > room) break
    kept++
  }
  stem = letters.slice(0, kept).join('')
  return `${stem}${extension}`.replace(/[. ]+$/, '')
}

/**
 * `filename="orders.edi"`, with `filename*=UTF-8''…` beside it for names beyond ASCII. Throws `message.header_unsafe` for
 * control characters. `bare` leaves the quotes out, for products that take them into the name.
 */
export function fileNameParameters(name: string, style: 'quoted' | 'bare' = 'quoted'): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  if (last === '' || /\p{Cc}/u.test(last)) throw new MessageError('message.header_unsafe', 'a file name to send is not empty and has no control characters')
  const ascii = last.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(/[^\x20-\x7e]/gu, '_')
  const plain = style === 'bare' ? `filename=${ascii.replaceAll(/[";\\]/g, '_')}` : `filename="${ascii.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  return ascii === last ? plain : `${plain}; filename*=UTF-8''${percentEncoded(last)}`
}

/** RFC 5987 `value-chars`. */
function percentEncoded(text: string): string {
  return [...Buffer.from(text.toWellFormed(), 'utf8')].map((octet) => {
    const letter = String.fromCodePoint(octet)
    return /[A-Za-z0-9!#$&+.^_`|~-]/.test(letter) ? letter : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
