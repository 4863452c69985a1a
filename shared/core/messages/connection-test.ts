/** The connection test: who answers at the address, and whether every certificate that the exchange needs is there. No document is sent. */
import type { Fact } from '../../contract/common.ts'
import type { PresentedCertificate } from '../../contract/partners.ts'
import { AppError } from '../kernel/errors.ts'
import type { MessageRoute } from '../partners/routes.ts'
import { checkAlgorithms, type As2Keys } from '../protocols/as2/build-message.ts'
import { head } from '../protocols/as2/http-client.ts'
import type { FileTestResult, ObservedCrypto, TestProgress } from '../protocols/file-protocol.ts'
import { createStagedReport, resolveStage } from '../protocols/test-report.ts'
import { certificateFacts } from '../protocols/tls/index.ts'
import type { Identities } from './identities.ts'
import type { As2Role, Keyrings, Unfit } from './keyring.ts'
import type { Lines } from './lines.ts'
import { authorizationOf, checkTransport, urlOf } from './outbound.ts'

const STAGES = ['resolve', 'connect', 'certificate', 'exchange'] as const

export type TestMessages = (route: MessageRoute, onProgress: TestProgress, signal: AbortSignal) => Promise<FileTestResult>

export function createConnectionTest({ keyrings, lines, identities }: { readonly keyrings: Keyrings; readonly lines: Lines; readonly identities: Identities }): TestMessages {
  return async (route, onProgress, signal) => {
    const report = createStagedReport(STAGES, onProgress)
    let certificate: PresentedCertificate | null = null
    let observed: ObservedCrypto = {}
    try {
      const url = urlOf(route)
      await resolveStage(route.connection.http.proxy?.host ?? url.hostname.replaceAll(/^\[|\]$/g, ''), report)
      report.begin('connect')
      checkTransport(url, route)
      const agent = lines.probe(
        route,
        (presented) => {
          certificate = presented
          if (!report.isOpen('connect')) return
          report.ok({ label: 'Address', value: url.host })
          report.begin('certificate')
        },
        (negotiated) => (observed = negotiated),
      )
      try {
        const answer = await head({ url, agent, authorization: authorizationOf(route), signal })
        if (report.isOpen('connect')) {
          report.ok({ label: 'Address', value: url.host })
          report.begin('certificate')
          report.ok({ label: 'TLS', value: 'none: the address begins with http://' })
        } else report.ok(...certificateFacts(certificate, observed))
        report.begin('exchange')
        const facts = exchangeFacts(route, answer, identities)
        checkAlgorithms(route.connection, route.tolerated)
        const ring = keyrings.of(route.partner.id, route.connection.id, route.tolerated)
        checkRoles(route, ring.keys, ring.unfit)
        if (answer.status === 401 || answer.status === 407) throw new AppError('as2.http_refused', `${url.host} answered ${answer.status}: it wants a sign-in`, { details: { server: url.host, status: String(answer.status) } })
        report.ok(...facts, ...keyFacts(ring.keys))
      } finally {
        agent.destroy()
      }
    } catch (error) {
      signal.throwIfAborted()
      report.fail(error, ...(report.isOpen('certificate') ? certificateFacts(certificate) : []))
    }
    return { stages: report.stages(), hostKey: null, certificate, observed }
  }
}

/** Every role that the settings need has a certificate that is fit now. */
function checkRoles({ connection }: MessageRoute, keys: As2Keys, unfit: readonly Unfit[]): void {
  const { message, receipt, inbound } = connection
  const needed: readonly (readonly [role: As2Role, wanted: boolean, there: boolean])[] = [
    ['sign', message.sign, keys.sign !== null],
    ['encrypt', message.encrypt, keys.encrypt !== null],
    ['verify', receipt.request === 'signed' || inbound.requireSigned, keys.verify.length > 0],
    ['decrypt', inbound.requireEncrypted || message.copyToSelf, keys.decrypt.length > 0],
  ]
  const missing = needed.filter(([, wanted, there]) => wanted && !there).map(([role]) => role)
  const [role] = missing
  if (role === undefined) return
  const bad = unfit.find((one) => one.role === role)
  if (bad !== undefined) throw new AppError('as2.certificate_unfit', `${bad.role}: ${bad.problem}`, { details: { role: bad.role, certificate: bad.certificate, problem: bad.problem } })
  throw new AppError('as2.certificate_missing', `nothing is bound in the role ${missing.join(', ')}`, { details: { role: missing.join(', ') } })
}

function exchangeFacts(route: MessageRoute, answer: { readonly status: number; readonly server: string }, identities: Identities): Fact[] {
  return [
    { label: 'Answer to a HEAD request', value: String(answer.status) },
    { label: 'Server software', value: answer.server === '' ? 'not told' : answer.server },
    { label: 'We are', value: identities.of(route).id },
    { label: 'They are', value: route.connection.as2Id },
  ]
}

function keyFacts(keys: As2Keys): Fact[] {
  const name = (certificate: { readonly fingerprintSha256: string }): string => `sha256:${certificate.fingerprintSha256}`
  return [
    { label: 'We sign with', value: keys.sign === null ? 'nothing' : name(keys.sign.certificate) },
    { label: 'We encrypt to', value: keys.encrypt === null ? 'nothing' : name(keys.encrypt.certificate) },
    { label: 'They sign with', value: keys.verify.map(({ certificate }) => name(certificate)).join(', ') || 'nothing' },
    { label: 'We decrypt with', value: keys.decrypt.map(({ certificate }) => name(certificate)).join(', ') || 'nothing' },
  ]
}
