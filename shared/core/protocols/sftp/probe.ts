/** The connection test: one stage after the other, each with its time, its evidence and its own reason when it fails. */
import type { Fact } from '../../../contract/common.ts'
import type { PresentedHostKey } from '../../../contract/partners.ts'
import type { FileTestResult, ObservedCrypto, TestProgress } from '../file-protocol.ts'
import { createStagedReport, folderStages, resolveStage } from '../test-report.ts'
import { connectSftp, type Connected, type SftpEndpoint } from './connect.ts'
import { openSession } from './session.ts'

const STAGES = ['resolve', 'connect', 'host-key', 'authenticate', 'list', 'write-probe', 'clean-up'] as const

/** Never rejects for what the server does; rejects with the signal's reason. */
export async function testConnection(endpoint: SftpEndpoint, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult> {
  const report = createStagedReport(STAGES, onProgress)
  let hostKey: PresentedHostKey | null = null
  let observed: ObservedCrypto = {}
  let connected: Connected | null = null
  try {
    const { host, port, jump, proxy } = endpoint.settings
    // Behind a proxy or jump host, names are resolved there.
    await resolveStage((proxy ?? jump ?? endpoint.settings).host, report)
    report.begin('connect')
    connected = await connectSftp(
      endpoint,
      {
        connected() {
          report.ok({ label: 'Address', value: `${host}:${port}` }, ...wayFacts(endpoint))
          report.begin('host-key')
        },
        hostKey: (presented) => (hostKey = presented),
        handshake(negotiated) {
          observed = negotiated
          report.ok(...hostKeyFacts(hostKey), { label: 'Key exchange', value: negotiated['kex'] ?? '' }, { label: 'Cipher', value: negotiated['cipher'] ?? '' })
          report.begin('authenticate')
        },
      },
      signal,
    )
    observed = connected.observed
    report.ok({ label: 'User name', value: endpoint.settings.username }, { label: 'Method', value: observed['authUsed'] || endpoint.settings.auth.method }, { label: 'Server software', value: observed['serverSoftware'] ?? 'not told' })
    report.begin('list')
    await folderStages(await openSession(connected, endpoint.folder), report, signal)
  } catch (error) {
    signal.throwIfAborted()
    report.fail(error, ...(report.isOpen('host-key') ? hostKeyFacts(hostKey) : []))
  } finally {
    connected?.ssh.end()
  }
  return { stages: report.stages(), hostKey, certificate: null, observed }
}

function wayFacts({ settings: { proxy, jump } }: SftpEndpoint): Fact[] {
  return [
    ...(proxy === undefined ? [] : [{ label: 'Through the proxy', value: `${proxy.kind} ${proxy.host}:${proxy.port}` }]),
    ...(jump === undefined ? [] : [{ label: 'Through the jump host', value: `${jump.username}@${jump.host}:${jump.port}` }]),
  ]
}

function hostKeyFacts(hostKey: PresentedHostKey | null): Fact[] {
  if (hostKey === null) return []
  const { certificate } = hostKey
  const certified: Fact[] =
    certificate === null
      ? []
      : [
          { label: 'Certificate', value: `${certificate.keyId} (serial ${certificate.serial}) for ${certificate.names.join(', ') || 'nobody'}, ${certificate.validUntil === null ? 'without end' : `until ${certificate.validUntil}`}` },
          { label: 'Its authority', value: certificate.authority },
        ]
  return [
    ...certified,
    { label: 'Presented', value: `${hostKey.fingerprint} (${hostKey.algorithm})` },
    { label: 'Trusted', value: hostKey.expected.map(({ fingerprint, algorithm }) => `${fingerprint} (${algorithm})`).join(', ') || 'none' },
  ]
}
