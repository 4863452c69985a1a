/** Whether whoever posts is let in, beyond what the message itself proves: what a connection demands of the request. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { demandsCertificate } from '../../contract/connections/as2.ts'
import type { TrustItem } from '../../contract/trust.ts'
import { readCertificate, type Certificate } from '../crypto/x509/index.ts'
import type { MessageParty } from '../partners/routes.ts'
import { headerValue } from '../protocols/as2/message/index.ts'
import type { InboundAnswer, InboundRequest } from '../protocols/as2/listener.ts'

/** What was agreed with a partner about its calls; asked only where the connection demands it. */
export interface CallerRules {
  /** The one that the partner was given. */
  password(): string | undefined
  /** What is bound in the role tls-caller now. */
  certificates(): readonly Pick<TrustItem, 'fingerprint' | 'publicKey'>[]
  tolerated(): readonly string[]
  /** One that is let in and of which only the fingerprint was known. */
  seen(certificate: Certificate): void
  readonly now: number
}

/** The answer to a caller who lacks what was agreed, or null. */
export function callerProblem({ headers, clientCertificate }: Pick<InboundRequest, 'headers' | 'clientCertificate'>, { connection }: MessageParty, rules: CallerRules): { readonly answer: InboundAnswer; readonly why: string } | null {
  const { inbound } = connection
  const why = demandsCertificate(connection) ? certificateProblem(clientCertificate, inbound.clientCertificates ?? [], rules) : null
  if (why !== null) return { answer: { status: 403 }, why }
  if (inbound.username === undefined) return null
  const given = headerValue(headers, 'authorization')
  const wanted = `Basic ${Buffer.from(`${inbound.username}:${rules.password() ?? ''}`).toString('base64')}`
  if (given !== undefined && sameText(given.replace(/^basic\s+/i, 'Basic '), wanted)) return null
  return { answer: { status: 401, headers: [['WWW-Authenticate', 'Basic realm="AS2", charset="UTF-8"']] }, why: given === undefined ? 'it named no user' : 'its user name or password is wrong' }
}

/** `listed`: fingerprints in documents from before there were bindings for them. */
function certificateProblem(der: Uint8Array | null, listed: NonNullable<MessageParty['connection']['inbound']['clientCertificates']>, rules: CallerRules): string | null {
  if (der === null) return 'it showed no client certificate'
  const certificate = readShown(der)
  if (certificate === null) return 'it showed a client certificate that cannot be read'
  const fingerprint = `sha256:${certificate.fingerprintSha256}`
  const key = `spki:${createHash('sha256').update(certificate.spkiDer).digest('base64')}`
  const bound = rules.certificates()
  // A key that was bound by itself outlives its certificates.
  if (bound.some((item) => item.fingerprint === key)) return null
  const item = bound.find((one) => one.fingerprint === fingerprint)
  if (item === undefined && !listed.includes(fingerprint)) return `it showed the client certificate ${fingerprint}`
  if (item?.publicKey === null) rules.seen(certificate)
  const { notBefore, notAfter } = certificate
  if (rules.now >= notBefore.getTime() && rules.now <= notAfter.getTime()) return null
  if (rules.tolerated().includes('certificate-expired')) return null
  return `it showed the client certificate ${fingerprint}, which is valid from ${notBefore.toISOString()} until ${notAfter.toISOString()}`
}

function readShown(der: Uint8Array): Certificate | null {
  try {
    return readCertificate(der)
  } catch {
    return null
  }
}

/** In a time that tells nothing. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
