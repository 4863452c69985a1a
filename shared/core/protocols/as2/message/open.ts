/** Opens a received AS2 message: layers, signature, payloads and MIC, or why it is refused. */
import type { ByteSource, KeyTransport } from '../../../crypto/cms/index.ts'
import { peekable } from './byte-stream.ts'
import type { ErrorModifier } from './disposition.ts'
import { MessageError } from './errors.ts'
import type { HeaderPair } from './header-fields.ts'
import { createContext, guardedSource, type ForeignErrors, type OpenContext } from './open-context.ts'
import { checkProtection, openEntity } from './open-layers.ts'
import type { FailedMessage, ObservedCrypto, OpenedMessage, OpenOutcome, OpenPolicy, PayloadSink } from './open-types.ts'
import { Refusal, refusalOf } from './refusal.ts'

/**
 * Opens one message. `headers` are those of the HTTP request; `body` is its body without transfer coding. Payload bytes go to
 * `sink` as they come and are PROVISIONAL until the outcome says `ok`. Only errors of `body` and of `sink` are thrown.
 */
export async function openMessage(headers: readonly HeaderPair[], body: ByteSource, policy: OpenPolicy, sink: PayloadSink): Promise<OpenOutcome> {
  const foreign: ForeignErrors = { error: undefined }
  const context = createContext(headers, policy, sink, foreign)
  try {
    await openEntity(context, { fields: headers, rawHead: new Uint8Array(), hasHead: true, folded: false, ignoredLines: 0, body: peekable(guardedSource(body, foreign)) })
    checkProtection(context)
    return succeeded(context)
  } catch (error) {
    if (foreign.error !== undefined) throw foreign.error.thrown
    const refusal = refusalOf(error)
    if (refusal instanceof Refusal) return failed(context, refusal)
    throw error
  }
}

function succeeded(context: OpenContext): OpenedMessage {
  if (context.mic === undefined) throw new MessageError('message.malformed', 'the message has no content')
  return {
    ok: true,
    envelope: context.envelope,
    layers: context.layers,
    observed: observed(context),
    payloads: context.payloads,
    mic: context.mic,
    warnings: [...context.warnings],
  }
}

function failed(context: OpenContext, refusal: Refusal): FailedMessage {
  return {
    ok: false,
    envelope: context.envelope,
    disposition: dispositionOf(context, refusal),
    reason: refusal.reason,
    detail: refusal.message,
    senderAuthenticated: context.senderAuthenticated,
    observed: observed(context),
    warnings: [...context.warnings],
  }
}

/**
 * Whoever is not proved to be the partner learns one thing only about what lies behind ciphertext: it could not be decrypted.
 * Anything finer is a decryption oracle (Bleichenbacher 1998, Vaudenay 2002; OpenAS2 has it).
 */
function dispositionOf(context: OpenContext, refusal: Refusal): ErrorModifier {
  const hidden = context.entered.has('encrypted') && !context.senderAuthenticated && !refusal.fromCleartext
  return hidden ? 'decryption-failed' : refusal.disposition
}

function observed({ layers, entered }: OpenContext): ObservedCrypto {
  const encrypted = layers.find((layer) => layer.kind === 'encrypted')?.report
  const signed = layers.find((layer) => layer.kind === 'signed')?.report
  const [recipient] = encrypted?.matched ?? []
  return {
    encrypted: entered.has('encrypted'),
    signed: entered.has('signed'),
    compressed: entered.has('compressed'),
    ...(encrypted === undefined ? {} : { cipher: encrypted.cipher }),
    ...(recipient === undefined ? {} : { keyTransport: transportName(recipient.transport), decryptedBy: recipient.fingerprintSha256 }),
    ...(signed === undefined
      ? {}
      : { digest: signed.digestAlgorithm, signatureScheme: signed.scheme, signerKeyBits: signed.keyBits, signedBy: signed.signer.certificate.fingerprintSha256 }),
  }
}

function transportName(transport: KeyTransport): string {
  return transport.scheme === 'rsaes-pkcs1' ? transport.scheme : `${transport.scheme}-${transport.hash}`
}
