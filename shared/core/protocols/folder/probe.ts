/** The connection test of a folder: it is there, it holds us in, and a file can be put into it as a delivery would. */
import { statfs } from 'node:fs/promises'
import type { FolderConnection } from '../../../contract/connections/folder.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileEndpoint, FileSession, FileTestResult, ObservedCrypto, TestProgress } from '../file-protocol.ts'
import { createStagedReport, folderStages } from '../test-report.ts'
import { openFolderSession } from './session.ts'

const STAGES = ['connect', 'boundary', 'list', 'write-probe', 'clean-up'] as const

/** Never rejects for what the share does; rejects with the signal's reason. */
export async function testFolder({ settings, folder }: FileEndpoint<FolderConnection>, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult> {
  const report = createStagedReport(STAGES, onProgress)
  let observed: ObservedCrypto = {}
  let session: FileSession | undefined
  try {
    report.begin('connect')
    session = await openFolderSession(settings.path, folder)
    observed = session.observed
    report.ok({ label: 'Share', value: observed['share'] ?? settings.path }, { label: 'Free space', value: await freeSpace(session.folder) })
    report.begin('boundary')
    await holdsIn(session)
    report.ok({ label: 'Folder', value: session.folder }, { label: 'Names that lead out', value: 'refused; links are not followed' })
    signal.throwIfAborted()
    await folderStages(session, report, signal)
  } catch (error) {
    signal.throwIfAborted()
    report.fail(error)
  } finally {
    await session?.close()
  }
  return { stages: report.stages(), hostKey: null, certificate: null, observed }
}

async function holdsIn(session: FileSession): Promise<void> {
  for (const name of ['..', '../outside', '/outside']) {
    const refused = await session.stat(name).then(
      () => false,
      () => true,
    )
    if (!refused) throw new AppError('folder.outside', `the name ${name} was not refused`)
  }
}

async function freeSpace(folder: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB`
  } catch {
    return 'not told'
  }
}
