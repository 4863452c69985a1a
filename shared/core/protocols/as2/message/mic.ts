/** Message integrity checks: which bytes and which form of them a partner may digest (as2 1.4). */
import type { DigestName } from '../../../crypto/cms/index.ts'

/** `canonical`: every line end is CRLF. */
export type MicForm = 'raw' | 'canonical' | 'header-canonical'
/** `signed-entity`: the first part of multipart/signed. `entity`: innermost MIME entity with its header. `body`: without header. */
export type MicScope = 'signed-entity' | 'entity' | 'body'

/** A MIC as plain data. */
export interface MicCandidate {
  readonly algorithm: DigestName
  readonly over: MicScope
  readonly form: MicForm
  /** base64, as in Received-Content-MIC. */
  readonly value: string
}
