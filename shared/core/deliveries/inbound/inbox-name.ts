/** From the name that a partner chose to one that is safe on every system. Pure. */

const MOST_BYTES = 240
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$/i

/**
 * The last part of what may be a path, without control characters, characters that Windows forbids, leading dots and
 * trailing dots or spaces; composed (NFC); at most 240 bytes with its ending kept. `file` where nothing is left.
 */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const cleaned = last
    .normalize('NFC')
    // Direction marks let `fdp.exe` look like `exe.pdf`.
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is removed
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069:*?"<>|]/g, '_')
    .replace(/^[. ]+/, '')
    .replace(/[. ]+$/, '')
  const { stem, ending } = splitName(cleaned)
  const kept = RESERVED.test(stem.split('.')[0] ?? '') ? `_${stem}` : stem
  return shorten(kept === '' && ending === '' ? 'file' : kept, ending)
}

/** `orders.edi` → `orders (2).edi`. */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name
  const { stem, ending } = splitName(name)
  return shorten(stem, ` (${number})${ending}`)
}

function splitName(name: string): { readonly stem: string; readonly ending: string } {
  const dot = name.lastIndexOf('.')
  const ending = dot > 0 ? name.slice(dot) : ''
  // A "dot" early in a very long name is no ending.
  return Buffer.byteLength(ending) > 40 || dot <= 0 ? { stem: name, ending: '' } : { stem: name.slice(0, dot), ending }
}

function shorten(stem: string, ending: string): string {
  let kept = [...stem]
  while (Buffer.byteLength(kept.join('')) + Buffer.byteLength(ending) > MOST_BYTES) kept = kept.slice(0, -1)
  return `${kept.join('')}${ending}`
}
