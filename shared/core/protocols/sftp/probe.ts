/** The connection test: one stage after the other, each with its time, its evidence and its own reason when it fails. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import type { Fact } from '../../../contract/common.ts'
import type { PresentedHostKey, TestStage } from '../../../contract/partners.ts'
import { ERRORS } from '../../../contract/errors/index.ts'
import { AppError, asAppError, systemCode, toWireError } from '../../kernel/errors.ts'
import type { FileSession, FileTestResult, ObservedCrypto, TestProgress } from '../file-protocol.ts'
import { connectSftp, type Connected, type SftpEndpoint } from './connect.ts'
import { openSession } from './session.ts'

const STAGES = ['resolve', 'connect', 'host-key', 'authenticate', 'list', 'write-probe', 'clean-up'] as const
type StageName = (typeof STAGES)[number]

/** Keeps the stages in order; whatever is open when something fails gets the blame. */
function createReport(onProgress: TestProgress) {
  const done = new Map<StageName, TestStage>()
  let open: { readonly name: StageName; readonly since: number } | null = null
  const put = (stage: TestStage): void => {
    done.set(stage.name, stage)
    onProgress(stage)
  }
  const end = (status: 'ok' | 'failed' | 'refused', evidence: readonly Fact[], error: AppError | null): void => {
    if (open === null) return
    put({ name: open.name, status, ms: performance.now() - open.since, evidence: [...evidence], error: error === null ? null : toWireError(error) })
    open = null
  }
  return {
    begin(name: StageName): void {
      open = { name, since: performance.now() }
      onProgress({ name, status: 'running', ms: 0, evidence: [], error: null })
    },
    ok: (...evidence: Fact[]): void => end('ok', evidence, null),
    fail(reason: unknown, ...evidence: Fact[]): void {
      const error = asAppError(reason)
      end(ERRORS[error.code].exit === 4 ? 'refused' : 'failed', evidence, error)
    },
    isOpen: (name: StageName): boolean => open?.name === name,
    stages(): TestStage[] {
      return STAGES.map((name) => {
        const known = done.get(name)
        if (known !== undefined) return known
        const skipped: TestStage = { name, status: 'skipped', ms: 0, evidence: [], error: null }
        onProgress(skipped)
        return skipped
      })
    },
  }
}

type Report = ReturnType<typeof createReport>

/** Never rejects for what the server does; rejects with the signal's reason. */
export async function testConnection(endpoint: SftpEndpoint, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult> {
  const report = createReport(onProgress)
  let hostKey: PresentedHostKey | null = null
  let observed: ObservedCrypto = {}
  let connected: Connected | null = null
  try {
    await resolveStage(endpoint.settings.host, report)
    report.begin('connect')
    connected = await connectSftp(
      endpoint,
      {
        connected() {
          report.ok({ label: 'Address', value: `${endpoint.settings.host}:${endpoint.settings.port}` })
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
    report.ok({ label: 'User name', value: endpoint.settings.username }, { label: 'Method', value: endpoint.settings.auth.method }, { label: 'Server software', value: observed['serverSoftware'] ?? 'not told' })
    await folderStages(connected, endpoint, report, signal)
  } catch (error) {
    signal.throwIfAborted()
    report.fail(error, ...(report.isOpen('host-key') ? hostKeyFacts(hostKey) : []))
  } finally {
    connected?.ssh.end()
  }
  return { stages: report.stages(), hostKey, observed }
}

async function resolveStage(host: string, report: Report): Promise<void> {
  report.begin('resolve')
  try {
    const addresses = await lookup(host, { all: true })
    report.ok({ label: 'Addresses', value: addresses.map(({ address }) => address).join(', ') })
  } catch (error) {
    throw new AppError('net.resolve_failed', `${host} (${systemCode(error) ?? 'unknown'})`, { details: { server: host }, cause: error })
  }
}

function hostKeyFacts(hostKey: PresentedHostKey | null): Fact[] {
  if (hostKey === null) return []
  return [
    { label: 'Presented', value: `${hostKey.fingerprint} (${hostKey.algorithm})` },
    { label: 'Pinned', value: hostKey.expected.map(({ fingerprint, algorithm }) => `${fingerprint} (${algorithm})`).join(', ') || 'none' },
  ]
}

async function folderStages(connected: Connected, endpoint: SftpEndpoint, report: Report, signal: AbortSignal): Promise<void> {
  report.begin('list')
  const session = await openSession(connected, endpoint.settings.folder)
  const entries = await session.list()
  report.ok({ label: 'Folder', value: session.folder }, { label: 'Entries', value: String(entries.length) })
  await writeProbe(session, report, signal)
}

/** A tiny file under a random dot-name, renamed once: what a delivery will need. It is removed whatever happens. */
async function writeProbe(session: FileSession, report: Report, signal: AbortSignal): Promise<void> {
  const first = `.waybill-probe-${randomBytes(8).toString('hex')}.part`
  const second = first.replace('.part', '.tmp')
  const content = Buffer.from('Waybill connection test. This file can be removed.\n')
  let failure: unknown
  report.begin('write-probe')
  try {
    await session.write(first, (async function* once() {
      yield await Promise.resolve(content)
    })(), { offset: 0, onAcknowledged: () => undefined, signal })
    await session.rename(first, second)
    const stored = await session.stat(second)
    if (stored?.size !== content.length) throw new AppError('remote.verification_failed', `${content.length} bytes were written, ${stored?.size ?? 0} are there`)
    const hash = await session.hash(second)
    report.ok({ label: 'Written', value: `${content.length} bytes, renamed` }, { label: 'Checksum by the server', value: hash === null ? 'not available; the size is checked' : 'available' })
  } catch (error) {
    failure = error
    report.fail(error)
  }
  report.begin('clean-up')
  const removed = [await session.remove(first), await session.remove(second)].some(Boolean)
  report.ok({ label: 'Removed', value: removed ? 'the test file' : 'nothing was left' })
  if (failure !== undefined) signal.throwIfAborted()
}
