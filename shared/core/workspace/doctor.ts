/** The self-test: what a person runs when something is odd, and what support asks for first. */
import { statfs } from 'node:fs/promises'
import type { CheckResult, DoctorReport } from '../../contract/workspace.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { asAppError } from '../kernel/errors.ts'
import { diskTime } from './disk-time.ts'
import { readEnvelope } from './envelope.ts'
import type { Keychain } from './keychain.ts'
import type { Workspace } from './open-workspace.ts'

/** Known-answer tests of the primitives. */
export type SelfTest = () => readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]

export interface DoctorOptions {
  readonly folder: string
  readonly keychain: Keychain
  readonly clock: Clock
  readonly selfTests: readonly SelfTest[]
  /** Null while it is not open. */
  readonly workspace: Workspace | null
  /** Time of the newest audit record. */
  readonly lastAuditAt: string | null
}

const LEAST_NODE = 24
const LITTLE_SPACE_BYTES = 1024 ** 3
const CLOCK_TOLERANCE_MS = 60_000
const SAMPLES = 5

export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const checks = [
    runtimeCheck(),
    ...primitiveChecks(options.selfTests),
    await attempt('workspace', async () => await workspaceCheck(options)),
    await attempt('store', async () => await Promise.resolve(storeCheck(options))),
    await attempt('payloads', async () => await payloadCheck(options)),
    await attempt('keychain', async () => await keychainCheck(options)),
    await attempt('disk', async () => await diskCheck(options)),
    await attempt('clock', async () => await clockCheck(options)),
  ]
  return {
    ok: checks.every(({ status }) => status !== 'failed'),
    at: timestamp(options.clock.now()),
    checks,
    facts: [
      { label: 'Runtime', value: `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}` },
      { label: 'System', value: `${process.platform} ${process.arch}` },
      { label: 'Workspace', value: options.folder },
    ],
  }
}

const ok = (name: string, detail: string): CheckResult => ({ name, status: 'ok', detail, remedy: null })
const warning = (name: string, detail: string, remedy: string): CheckResult => ({ name, status: 'warning', detail, remedy })
const failed = (name: string, detail: string, remedy: string): CheckResult => ({ name, status: 'failed', detail, remedy })

/** A check that breaks is a failed check, not a failed report. */
async function attempt(name: string, check: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await check()
  } catch (error) {
    return failed(name, asAppError(error).message, 'Send this report to support.')
  }
}

function runtimeCheck(): CheckResult {
  const major = Number(process.versions.node.split('.')[0])
  return major >= LEAST_NODE
    ? ok('runtime', `Node ${process.versions.node}`)
    : failed('runtime', `Node ${process.versions.node} is too old`, `Start Waybill with Node ${LEAST_NODE} or newer.`)
}

function primitiveChecks(selfTests: readonly SelfTest[]): CheckResult[] {
  return selfTests
    .flatMap((test) => test())
    .map((result) => (result.ok ? ok(result.name, result.detail) : failed(result.name, result.detail, 'Do not exchange files with this runtime; install Waybill again.')))
}

async function workspaceCheck({ folder, workspace }: DoctorOptions): Promise<CheckResult> {
  const envelope = await readEnvelope(folder)
  if (envelope === null) return warning('workspace', 'There is no workspace in this folder yet.', 'Create one with `waybill init` or in the window.')
  return workspace === null
    ? warning('workspace', `Workspace ${envelope.id} is there but not open.`, 'Give the recovery passphrase, or unlock the keychain.')
    : ok('workspace', `${envelope.id}, created ${envelope.createdAt}`)
}

function storeCheck({ workspace }: DoctorOptions): CheckResult {
  if (workspace === null) return warning('store', 'Not checked: the workspace is not open.', 'Open the workspace and run this again.')
  const problems = workspace.database.check()
  return problems.length === 0 ? ok('store', 'Every page of the database is whole.') : failed('store', problems.slice(0, 3).join('; '), 'Copy the workspace folder, check the disk, and restore the last backup.')
}

/** A few stored files, chosen anew each time. */
async function payloadCheck({ workspace }: DoctorOptions): Promise<CheckResult> {
  if (workspace === null) return warning('payloads', 'Not checked: the workspace is not open.', 'Open the workspace and run this again.')
  const hashes = workspace.database
    .prepare<[number], { sha256: string }>('SELECT DISTINCT sha256 FROM deliveries ORDER BY random() LIMIT ?')
    .all(SAMPLES)
    .map((row) => row.sha256)
  const damaged: string[] = []
  for (const sha256 of hashes) if (!(await workspace.payloads.verify(sha256))) damaged.push(sha256)
  return damaged.length === 0
    ? ok('payloads', `${hashes.length} stored files were read and are whole.`)
    : failed('payloads', `Damaged or missing: ${damaged.join(', ')}`, 'Check the disk. Send those files again from their originals if they must go out.')
}

async function keychainCheck({ keychain, workspace }: DoctorOptions): Promise<CheckResult> {
  if (!(await keychain.available()))
    return warning('keychain', 'The keychain of this computer does not answer; only the passphrase opens the workspace.', 'Sign in to a desktop session with a keychain, or keep giving the passphrase.')
  return ok('keychain', workspace?.keyInKeychain === true ? 'It answers and holds the key of this workspace.' : 'It answers; this workspace opens with its passphrase.')
}

async function diskCheck({ folder }: DoctorOptions): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  return free < LITTLE_SPACE_BYTES ? warning('disk', text, 'Free some space: files are copied into the workspace before they are sent.') : ok('disk', text)
}

/** The clock of the file system's host and that of this process, and the newest record: a clock set back shows here. */
async function clockCheck({ folder, clock, lastAuditAt }: DoctorOptions): Promise<CheckResult> {
  const written = await diskTime(folder)
  const now = clock.now()
  if (Math.abs(written - now) > CLOCK_TOLERANCE_MS)
    return warning('clock', `The disk's clock differs from this computer's by ${Math.round((written - now) / 1000)} s.`, 'Set the clocks of this computer and of the file server.')
  if (lastAuditAt !== null && Date.parse(lastAuditAt) - now > CLOCK_TOLERANCE_MS)
    return warning('clock', `The newest record is from ${lastAuditAt}, which is in the future.`, 'Set the clock of this computer.')
  return ok('clock', timestamp(now))
}
