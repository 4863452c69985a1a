/** Message-ID: made, checked, and compared as partners write it. */
import { randomHex } from '../../../kernel/random-names.ts'
import { MessageError } from './errors.ts'

/** RFC 4130bis wants at most 255; old products cut at 100. */
const MAX_SENT = 255
/** RFC 5322 2.1.1. */
const MAX_RECEIVED = 998

/** A new identifier with 128 random bits, fit for file names: `<waybill-20261123T233252Z-4f…@host>`. */
export function newMessageId(options: { readonly domain?: string; readonly at?: Date } = {}): string {
  const stamp = (options.at ?? new Date()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const domain = (options.domain ?? 'waybill').replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 100)
  return `<waybill-${stamp}-${randomHex(16)}@${domain === '' ? 'waybill' : domain}>`
}

/** An identifier that we send. Throws `message.id_invalid`. */
export function checkMessageId(id: string): string {
  if (id.length > MAX_SENT || !/^<[\x21-\x3b\x3d\x3f-\x7e]+>$/.test(id)) throw new MessageError('message.id_invalid', 'a Message-ID has angle brackets, no blanks and at most 255 characters')
  return id
}

/** A received identifier. */
export interface ReceivedMessageId {
  /** For the echo in the MDN: exactly as received, except for outer blanks. */
  readonly raw: string
  /** Without brackets: the key for comparing and for finding duplicates. Case-sensitive. */
  readonly key: string
  /** No blanks, no controls, only ASCII, at most 998 characters. Else answer `invalid-message-id`, and do not echo it. */
  readonly valid: boolean
}

/** Reads an identifier: brackets and `@` are optional. */
export function readMessageId(value: string): ReceivedMessageId {
  const raw = value.trim()
  const key = messageIdKey(raw)
  return { raw, key, valid: key !== '' && raw.length <= MAX_RECEIVED && /^[\x21-\x7e]+$/.test(raw) }
}

/** What two spellings of the same identifier have in common. */
export function messageIdKey(value: string): string {
  const trimmed = value.trim()
  return /^<.*>$/s.test(trimmed) ? trimmed.slice(1, -1).trim() : trimmed
}
