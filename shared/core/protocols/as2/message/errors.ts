/** The one error type of this layer: wrong use, and limits while parsing. What a partner sent wrongly is a result, not an error. */

/** Stable codes. */
export type MessageErrorCode =
  /** An outgoing value that is no single line of printable ASCII. */
  | 'message.header_unsafe'
  /** An AS2 identifier that is empty, too long or not printable ASCII. */
  | 'message.as2_id_invalid'
  /** A Message-ID to send that has blanks, controls or more than 255 characters. */
  | 'message.id_invalid'
  /** Options that contradict each other. */
  | 'message.options_invalid'
  /** Received text that is not the MIME which it claims to be. */
  | 'message.malformed'
  /** A bound on received text: size, fields, parts, depth, boundary. */
  | 'message.limit'

/** `message` is technical; it holds no key material and no payload. */
export class MessageError extends Error {
  readonly code: MessageErrorCode

  constructor(code: MessageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'MessageError'
    this.code = code
  }
}
