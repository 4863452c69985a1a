/** The staged report of a connection test, the same for every protocol; and the stages that all file protocols share. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import type { Fact } from '../../contract/common.ts'
import type { TestStage } from '../../contract/partners.ts'
import { ERRORS } from '../../contract/errors/index.ts'
import { AppError, asAppError, systemCode, toWireError } from '../kernel/errors.ts'
import type { FileSession, TestProgress } from './file-protocol.ts'
import { proxyFacts } from './proxy.ts'

export type StageName = TestStage['name']

export interface StagedReport {
  begin(name: StageName): void
  /** Ends the open stage well. */
  ok(...evidence: readonly Fact[]): void
  /** Ends the open stage; `refused` when trust or policy forbids going on. */
  fail(reason: unknown, ...evidence: readonly Fact[]): void
  isOpen(name: StageName): boolean
  /** All stages in order; those that were not reached are skipped. */
  stages(): TestStage[]
}

/** Keeps the stages in the order of `names`; whatever is open when something fails gets the blame. */
export function createStagedReport(names: readonly StageName[], onProgress: TestProgress): StagedReport {
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
    begin(name) {
      open = { name, since: performance.now() }
      onProgress({ name, status: 'running', ms: 0, evidence: [], error: null })
    },
    ok: (...evidence) => end('ok', evidence, null),
    fail(reason, ...evidence) {
      const error = asAppError(reason)
      end(ERRORS[error.code].exit === 4 ? 'refused' : 'failed', evidence, error)
    },
    isOpen: (name) => open?.name === name,
    stages: () =>
      names.map((name) => {
        const known = done.get(name)
        if (known !== undefined) return known
        const skipped: TestStage = { name, status: 'skipped', ms: 0, evidence: [], error: null }
        onProgress(skipped)
        return skipped
      }),
  }
}

/** The evidence of a way that leads through a proxy. */
export function proxyEvidence(settings: Parameters<typeof proxyFacts>[0]): Fact[] {
  return Object.values(proxyFacts(settings)).map((value) => ({ label: 'Through the proxy', value }))
}

/** Finds the server's addresses. Rejects with `net.resolve_failed`. */
export async function resolveStage(host: string, report: StagedReport): Promise<void> {
  report.begin('resolve')
  try {
    const addresses = await lookup(host, { all: true })
    report.ok({ label: 'Addresses', value: addresses.map(({ address }) => address).join(', ') })
  } catch (error) {
    throw new AppError('net.resolve_failed', `${host} (${systemCode(error) ?? 'unknown'})`, { details: { server: host }, cause: error })
  }
}

/** Lists the folder, then puts a tiny file there in the way of a delivery, and removes it whatever happens. */
export async function folderStages(session: FileSession, report: StagedReport, signal: AbortSignal): Promise<void> {
  report.begin('list')
  const entries = await session.list(signal)
  report.ok({ label: 'Folder', value: session.folder }, { label: 'Entries', value: String(entries.length) })
  await writeProbe(session, report, signal)
}

async function writeProbe(session: FileSession, report: StagedReport, signal: AbortSignal): Promise<void> {
  const stem = `.waybill-probe-${randomBytes(8).toString('hex')}`
  const content = Buffer.from('Waybill connection test. This file can be removed.\n')
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield await Promise.resolve(content)
  }
  const file = { temporaryName: `${stem}.part`, finalName: `${stem}.tmp`, content: bytes }
  let failure: unknown
  report.begin('write-probe')
  try {
    await session.staging.write(file, bytes(), { offset: 0, onAcknowledged: () => undefined, signal })
    await session.staging.publish(file)
    const stored = await session.stat(file.finalName)
    if (stored?.size !== content.length) throw new AppError('remote.verification_failed', `${content.length} bytes were written, ${stored?.size ?? 0} are there`)
    const hash = await session.hash(file.finalName)
    report.ok({ label: 'Written', value: `${content.length} bytes, named in one step` }, { label: 'Checksum by the server', value: hash === null ? 'not available; the size is checked' : 'available' })
  } catch (error) {
    failure = error
    report.fail(error)
  }
  report.begin('clean-up')
  await session.staging.discard(file)
  const removed = await session.remove(file.finalName)
  report.ok({ label: 'Removed', value: removed ? 'the test file' : 'nothing was left' })
  if (failure !== undefined) signal.throwIfAborted()
}
