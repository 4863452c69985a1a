/** The connection test: one stage after the other, each with its time, its evidence and its own reason when it fails. */
import { ftpsPort } from '../../../contract/connections/ftps.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import type { FileSession, FileTestResult, ObservedCrypto, TestProgress } from '../file-protocol.ts'
import { createStagedReport, folderStages, proxyEvidence, resolveStage } from '../test-report.ts'
import { certificateFacts } from '../tls/index.ts'
import { connectFtps, type Connected, type FtpsEndpoint } from './connect.ts'
import { openSession } from './session.ts'

const STAGES = ['resolve', 'connect', 'certificate', 'authenticate', 'list', 'write-probe', 'clean-up'] as const

/** Never rejects for what the server does; rejects with the signal's reason. */
export async function testConnection(endpoint: FtpsEndpoint, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult> {
  const { settings } = endpoint
  const report = createStagedReport(STAGES, onProgress)
  let certificate: PresentedCertificate | null = null
  let observed: ObservedCrypto = {}
  let connected: Connected | null = null
  let session: FileSession | null = null
  try {
    await resolveStage((settings.proxy ?? settings).host, report)
    report.begin('connect')
    connected = await connectFtps(
      endpoint,
      {
        connected() {
          report.ok({ label: 'Address', value: `${settings.host}:${ftpsPort(settings)}` }, { label: 'How TLS starts', value: settings.mode }, ...proxyEvidence(settings))
          report.begin('certificate')
        },
        presented: (presented) => (certificate = presented),
        secured(negotiated) {
          observed = negotiated
          report.ok(...certificateFacts(certificate, negotiated), { label: 'Our certificate', value: negotiated['clientCertificate'] ?? 'none' })
          report.begin('authenticate')
        },
      },
      signal,
    )
    observed = connected.observed
    report.ok({ label: 'User name', value: settings.username }, { label: 'Method', value: observed['authMethod'] ?? '' }, { label: 'Server software', value: observed['serverSoftware'] ?? 'not told' })
    report.begin('list')
    session = await openSession(connected, settings, endpoint.folder)
    await folderStages(session, report, signal)
    observed = session.observed
  } catch (error) {
    signal.throwIfAborted()
    report.fail(error, ...(report.isOpen('certificate') ? certificateFacts(certificate) : []))
  } finally {
    await session?.close()
    connected?.context.close()
  }
  return { stages: report.stages(), hostKey: null, certificate, observed }
}
