/** Whether a body is a message, a receipt, or something else: by type, never by address (as2 1.6). */
import { headerValue, parseHeaderBlock, type HeaderPair } from './header-fields.ts'
import { readMediaType } from './media-type.ts'
import { MessageError } from './errors.ts'

export type BodyClass = 'message' | 'mdn' | 'empty' | 'other'

/** `firstBytes`: the first 4 KiB, or the whole of a shorter body. `other`: no AS2 body at all (HTML, JSON, plain text of a proxy). */
export function classifyBody(headers: readonly HeaderPair[], firstBytes: Uint8Array): BodyClass {
  if (firstBytes.length === 0) return 'empty'
  const { value, parameters } = readMediaType(headerValue(headers, 'content-type'))
  if (isReport(value)) return 'mdn'
  if (value === 'multipart/signed') return isReport(firstPartType(firstBytes, parameters.get('boundary'))) ? 'mdn' : 'message'
  if (headerValue(headers, 'as2-from') !== undefined) return 'message'
  return /^(application\/(x-)?pkcs7-|multipart\/)/.test(value) ? 'message' : 'other'
}

function isReport(type: string): boolean {
  return type === 'multipart/report' || type === 'message/disposition-notification'
}

function firstPartType(bytes: Uint8Array, boundary: string | undefined): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const mark = `--${boundary ?? ''}`
  const at = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1
  const block = /^[^\n]*\r?\n([\s\S]*?)(?:\r?\n\r?\n|$)/.exec(boundary === undefined || (at === 0 && !text.startsWith(mark)) ? '' : text.slice(at))?.[1]
  try {
    return readMediaType(headerValue(parseHeaderBlock(Buffer.from(block ?? '', 'latin1')).fields, 'content-type')).value
  } catch (error) {
    if (error instanceof MessageError) return ''
    throw error
  }
}
