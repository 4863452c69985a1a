/** What TLS and the line say while a connection is set up or later, in our words. */
import { AppError, systemCode } from '../../kernel/errors.ts'
import { networkCode } from '../network.ts'

/** Whether a client certificate was at hand decides which of two remedies is right. */
export interface TlsErrorContext {
  readonly server: string
  /** Fingerprint of the client certificate that we show, or null. */
  readonly client: string | null
}

/**
 * An error of a TLS socket as an AppError. A server may refuse our certificate only with its first answer (TLS 1.3), so
 * what fails right after the handshake belongs here too.
 */
export function tlsError(error: unknown, { server, client }: TlsErrorContext): AppError {
  if (error instanceof AppError) return error
  const message = error instanceof Error ? error.message : String(error)
  const text = `${systemCode(error) ?? ''} ${message}`
  const options = { details: { server, ...(client === null ? {} : { 'client certificate': client }) }, cause: error }
  const wordy = `${server}: ${reasonIn(message)}`
  if (/alert.(certificate.required|no.certificate)|peer.did.not.return.a.certificate/i.test(text)) return new AppError('tls.client_certificate_needed', wordy, options)
  if (/alert.(unknown.ca|bad.certificate|certificate.(unknown|expired|revoked)|unsupported.certificate|access.denied)/i.test(text))
    return new AppError(client === null ? 'tls.client_certificate_needed' : 'tls.client_certificate_refused', wordy, options)
  if (/unsupported.protocol|alert.protocol.version|no.protocols.available|version.too.low/i.test(text)) return new AppError('tls.version_refused', wordy, options)
  if (/no.shared.cipher|alert.(handshake.failure|insufficient.security)|(dh|ee).key.too.small|wrong.signature.type|no.suitable.*(digest|signature)|bad.ecpoint|unknown.(key.exchange|cipher)|unsafe.legacy/i.test(text))
    return new AppError('tls.algorithms_refused', wordy, options)
  if (/wrong.version.number|packet.length.too.long|http.request|record.layer.failure|bad.record.type|unexpected.message/i.test(text)) return new AppError('tls.not_tls', wordy, options)
  const network = networkCode(error)
  // During the handshake: many servers only close when they dislike what they see.
  if (network === 'net.connection_lost' || /socket disconnected before secure|closed before/i.test(message)) return new AppError('tls.handshake_failed', `${server} ended the connection during the handshake`, options)
  return network === undefined ? new AppError('tls.handshake_failed', wordy, options) : new AppError(network, wordy, options)
}

/** OpenSSL's reason out of `40C7…:error:0A000102:SSL routines:ssl_choose_client_version:unsupported protocol:../deps/…`. */
function reasonIn(message: string): string {
  return /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/i.exec(message)?.[1] ?? message.trim().slice(0, 300)
}
