/** Whether whoever posts is let in, beyond what the message itself proves: what a connection demands of the request. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MessageParty } from '../partners/routes.ts'
import { headerValue } from '../protocols/as2/message/index.ts'
import type { InboundAnswer, InboundRequest } from '../protocols/as2/listener.ts'

/** The answer to a caller who lacks what was agreed, or null. `password`: the one that the partner was given. */
export function callerProblem({ headers, clientCertificate }: Pick<InboundRequest, 'headers' | 'clientCertificate'>, { connection }: MessageParty, password: () => string | undefined): { readonly answer: InboundAnswer; readonly why: string } | null {
  const { inbound } = connection
  if (inbound.clientCertificates.length > 0 && (clientCertificate === null || !inbound.clientCertificates.includes(clientCertificate)))
    return { answer: { status: 403 }, why: clientCertificate === null ? 'it showed no client certificate' : `it showed the client certificate ${clientCertificate}` }
  if (inbound.username === undefined) return null
  const given = headerValue(headers, 'authorization')
  const wanted = `Basic ${Buffer.from(`${inbound.username}:${password() ?? ''}`).toString('base64')}`
  if (given !== undefined && sameText(given.replace(/^basic\s+/i, 'Basic '), wanted)) return null
  return { answer: { status: 401, headers: [['WWW-Authenticate', 'Basic realm="AS2", charset="UTF-8"']] }, why: given === undefined ? 'it named no user' : 'its user name or password is wrong' }
}

/** In a time that tells nothing. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
