/** The connection test, and the proof of the boundary: what the credential can do outside the prefix. */
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import type { Fact } from '../../../contract/common.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileSession, FileTestResult, ObservedCrypto, TestProgress } from '../file-protocol.ts'
import { createStagedReport, folderStages, proxyEvidence, resolveStage, type StagedReport } from '../test-report.ts'
import { certificateFacts } from '../tls/index.ts'
import { createClients, type Connected, type S3Endpoint } from './connect.ts'
import { s3Error, statusOf } from './errors.ts'
import { keySpace } from './keys.ts'
import { openSession } from './session.ts'

const STAGES = ['resolve', 'connect', 'certificate', 'authenticate', 'list', 'write-probe', 'clean-up', 'boundary'] as const

/** Never rejects for what the server does; rejects with the signal's reason. */
export async function testConnection(endpoint: S3Endpoint, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult> {
  const { settings } = endpoint
  const report = createStagedReport(STAGES, onProgress)
  let certificate: PresentedCertificate | null = null
  let connected: Connected | null = null
  let session: FileSession | null = null
  let observed: ObservedCrypto = {}
  try {
    const url = new URL(settings.endpoint ?? `https://s3.${settings.region}.amazonaws.com`)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    await resolveStage(settings.proxy?.host ?? (settings.pathStyle ? host : `${settings.bucket}.${host}`), report)
    report.begin('connect')
    connected = createClients(endpoint, { presented: (presented) => (certificate = presented) }, signal)
    await firstAnswer(connected, settings.bucket, signal)
    observed = connected.observed
    report.ok({ label: 'Endpoint', value: url.origin }, ...proxyEvidence(settings))
    report.begin('certificate')
    report.ok(...tlsFacts(certificate, observed))
    report.begin('authenticate')
    session = await openSession(connected, endpoint, signal)
    report.ok({ label: 'Credentials', value: settings.credentials.kind === 'static' ? settings.credentials.accessKeyId : `profile ${settings.credentials.profile}` }, { label: 'Signature', value: observed['signature'] ?? '' }, { label: 'Region', value: settings.region })
    await folderStages(session, report, signal)
    report.begin('boundary')
    report.ok(...(await boundaryFacts(connected, endpoint, signal)), await overwriteFact(connected, endpoint))
  } catch (error) {
    signal.throwIfAborted()
    moveToItsStage(error, report, certificate)
  } finally {
    await session?.close()
    connected?.close()
  }
  return { stages: report.stages(), hostKey: null, certificate, observed: connected?.observed ?? observed }
}

/** Any answer will do, also a refusal: it proves that there is a server, and that it was judged. */
async function firstAnswer({ once }: Connected, Bucket: string, signal: AbortSignal): Promise<void> {
  try {
    await once.send(new HeadObjectCommand({ Bucket, Key: `waybill-${randomBytes(8).toString('hex')}` }), { abortSignal: signal })
  } catch (error) {
    if (statusOf(error) === undefined) throw s3Error(error, { verb: 'connect to', name: '', place: Bucket })
  }
}

/** A certificate that was refused failed while connecting, but it is that stage which must say so. */
function moveToItsStage(error: unknown, report: StagedReport, certificate: PresentedCertificate | null): void {
  const ofCertificate = error instanceof AppError && error.code.startsWith('tls.') && certificate !== null
  if (ofCertificate && report.isOpen('connect')) {
    report.ok()
    report.begin('certificate')
    report.fail(error, ...certificateFacts(certificate))
    return
  }
  report.fail(error)
}

function tlsFacts(certificate: PresentedCertificate | null, observed: ObservedCrypto): Fact[] {
  return certificate === null ? [{ label: 'TLS', value: 'none: HTTP without encryption' }] : certificateFacts(certificate, observed)
}

/**
 * What the credential can do beyond the prefix. Nothing is read, and nothing is written: beginning an upload needs the same
 * permission as writing, and is aborted at once.
 */
async function boundaryFacts({ once }: Connected, { settings }: S3Endpoint, signal: AbortSignal): Promise<Fact[]> {
  const { bucket: Bucket, prefix } = settings
  if (prefix === '') return [{ label: 'Boundary', value: 'the whole bucket is shared: there is no prefix to keep to' }]
  const Key = `waybill-boundary-test-${randomBytes(8).toString('hex')}`
  const listing = await attempt(async () => {
    await once.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }), { abortSignal: signal })
  })
  const writing = await attempt(async () => {
    const { UploadId } = await once.send(new CreateMultipartUploadCommand({ Bucket, Key }), { abortSignal: signal })
    await once.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  })
  return [
    { label: 'Listing outside the prefix', value: WORDS[listing] },
    { label: 'Writing outside the prefix', value: WORDS[writing] },
  ]
}

const WORDS = {
  refused: 'refused by the server, as it should be',
  permitted: 'PERMITTED: the credential reaches beyond this partner; ask for one that is limited to the prefix',
  unclear: 'not known: the server answered with a failure of another kind',
} as const

async function attempt(action: () => Promise<void>): Promise<keyof typeof WORDS> {
  try {
    await action()
    return 'permitted'
  } catch (error) {
    return statusOf(error) === 403 ? 'refused' : 'unclear'
  }
}

/** Some stores take `If-None-Match` and ignore it: then only our looking first protects a file of the partner. */
async function overwriteFact({ once, client }: Connected, endpoint: S3Endpoint): Promise<Fact> {
  const { bucket: Bucket } = endpoint.settings
  const Key = keySpace(endpoint.settings, endpoint.folder).keyOf(`.waybill-probe-${randomBytes(8).toString('hex')}`)
  const put = async (): Promise<number | undefined> =>
    await once.send(new PutObjectCommand({ Bucket, Key, Body: 'Waybill', ContentLength: 7, IfNoneMatch: '*' })).then(
      () => 200,
      (error: unknown) => statusOf(error),
    )
  try {
    await put()
    const second = await put()
    const enforced = second === 412 || second === 409
    return { label: 'Never overwrites', value: enforced ? 'enforced by the server (If-None-Match)' : 'the server ignores If-None-Match: Waybill looks first, and a small race remains' }
  } finally {
    await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(() => undefined)
  }
}
