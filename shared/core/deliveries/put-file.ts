/**
 * One attempt to put one file to a partner over any file protocol, so that it stands there exactly once and whole:
 * probe, upload under a temporary name, verify, write down the intention, give it its name, look again.
 */
import { createHash } from 'node:crypto'
import type { FileReceipt, Stage } from '../../contract/deliveries.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { FileProtocol, FileSession, RemoteFile, StagedFile } from '../protocols/file-protocol.ts'
import { temporaryName } from './rules.ts'

export interface PutFile {
  readonly id: string
  readonly protocol: FileProtocol['id']
  readonly remoteName: string
  readonly size: number
  readonly sha256: string
  readonly verify: 'auto' | 'size' | 'hash' | 'read-back'
  /** No earlier attempt began anything at the partner, as far as the ledger knows. */
  readonly untouched: boolean
  /** An earlier attempt asked for the final name and does not know the answer. */
  readonly maybeArrived: boolean
  /**
   * Some earlier attempt asked for the final name without an answer. It may still be carried out after we looked and found nothing: the
   * line held it back, or the server was busy.
   */
  readonly askedBefore: boolean
  /** Prefix of the temporary file that the server is known to have. */
  readonly acknowledged: number
  /** The stored copy from an offset. */
  readonly content: (offset: number) => AsyncIterable<Uint8Array>
}

/** What the attempt tells while it runs. `absent` must be durable before it returns, `committing` before it resolves. */
export interface PutObserver {
  stage(stage: Stage): void
  /** The final name was probed and nothing of ours stands there. */
  absent(): void
  transferring(resumedAt: number): void
  acknowledged(bytes: number): void
  committing(): Promise<void>
}

export interface PutContext {
  readonly session: FileSession
  readonly observer: PutObserver
  readonly clock: Clock
  readonly signal: AbortSignal
}

type Verified = Pick<FileReceipt, 'verifiedBy' | 'remoteSha256'>

/** Sending so much costs less than asking whether its name is free; giving the name asks once more in any case. */
const UNASKED_BYTES = 64 * 1024

/** Resolves with the receipt; rejects with an AppError. `delivery.unknown` means that only a person can tell. */
export async function putFile(file: PutFile, context: PutContext): Promise<FileReceipt> {
  const { session, observer, signal } = context
  const staged = stagedOf(file)
  observer.stage('probing')
  const [present, part] = await Promise.all([presentAt(file, session), session.staging.find(staged)])
  if (present !== null) return await recognise(file, present, part, context)
  if (file.maybeArrived) {
    // Neither name is there: the server may have given the final name and the partner may have taken the file away since.
    if (part === null)
      throw new AppError('delivery.unknown', `neither ${file.remoteName} nor its temporary file is in ${session.folder} any more`, {
        details: { folder: session.folder, name: file.remoteName },
      })
    observer.absent()
  }
  await transfer(file, part, context)
  const held = session.capabilities.staging === 'held'
  const before = held ? null : await verifyStaged(file, context)
  signal.throwIfAborted()
  observer.stage('committing')
  await observer.committing()
  try {
    await session.staging.publish(staged)
  } catch (error) {
    const late = file.askedBefore && error instanceof AppError && error.code === 'remote.name_taken' ? await session.stat(file.remoteName) : null
    const ours = late === null ? null : await contentIfEqual(late, file, context)
    if (late === null || ours === null) throw await refusedAtLast(error, file, session)
    await session.staging.discard(staged)
    return await receiptOf(file, context, ours, late)
  }
  const stored = await session.stat(file.remoteName)
  return await receiptOf(file, context, before ?? (await verifyPublished(file, stored, context)), stored)
}

/**
 * What has the final name. Where nothing was ever asked for, a look of a moment ago tells that there is nothing, and a small file is not
 * asked about before it is there under its temporary name.
 */
async function presentAt({ remoteName, size, untouched, askedBefore }: PutFile, session: FileSession): Promise<RemoteFile | null> {
  const unneeded = untouched && !askedBefore && (session.wasAbsent === undefined ? size <= UNASKED_BYTES : await session.wasAbsent(remoteName))
  return unneeded ? null : await session.stat(remoteName)
}

/** Where the name is another's, nobody comes back for a small file that travelled unasked; a large one may go on when the name is free again. */
async function refusedAtLast(error: unknown, file: PutFile, session: FileSession): Promise<unknown> {
  if (file.size > UNASKED_BYTES || !(error instanceof AppError) || error.code !== 'remote.name_taken') return error
  try {
    await session.staging.discard(stagedOf(file))
  } catch {
    // That the name is taken is what the operator must know.
  }
  return error
}

function stagedOf(file: PutFile): StagedFile {
  return { temporaryName: temporaryName(file.id), finalName: file.remoteName, untouched: file.untouched, content: file.content }
}

/** A file of that name is there. After an unanswered commit it may be ours; otherwise it is somebody else's. */
async function recognise(file: PutFile, present: RemoteFile, part: { readonly size: number } | null, context: PutContext): Promise<FileReceipt> {
  const { session } = context
  const taken = new AppError('remote.name_taken', `${session.folder} holds another file named ${file.remoteName} (${present.size} bytes)`, {
    details: { folder: session.folder, name: file.remoteName, size: String(present.size) },
  })
  if (!file.maybeArrived && !file.askedBefore) throw taken
  const certain = file.maybeArrived && part === null
  const verified = !certain ? await contentIfEqual(present, file, context) : present.size === file.size ? await contentOf(file.remoteName, file, context) : null
  if (verified === null) {
    // Our temporary file is still there, so it was never renamed: the other file is not ours.
    if (part !== null && file.maybeArrived) context.observer.absent()
    throw part === null ? taken : await refusedAtLast(taken, file, session)
  }
  await session.staging.discard(stagedOf(file))
  return await receiptOf(file, context, verified, present)
}

/** By the content itself: size and name could be another file's. */
async function contentIfEqual(present: RemoteFile, file: PutFile, context: PutContext): Promise<Verified | null> {
  return present.size === file.size ? await contentOf(file.remoteName, { ...file, verify: 'read-back' }, context) : null
}

async function transfer(file: PutFile, part: { readonly size: number } | null, context: PutContext): Promise<void> {
  const { session, observer, signal } = context
  const resumable = session.capabilities.resume && part !== null && part.size <= file.size
  // A store that holds files back counts what it has verified itself; a server's file may be longer than what it acknowledged.
  const offset = !resumable ? 0 : session.capabilities.staging === 'held' ? part.size : Math.min(file.acknowledged, part.size)
  observer.transferring(offset)
  observer.stage('transferring')
  await session.staging.write(stagedOf(file), file.content(offset), { offset, size: file.size, onAcknowledged: (bytes) => observer.acknowledged(bytes), signal })
  observer.stage('verifying')
}

/** Under the temporary name: nothing wrong is ever published. */
async function verifyStaged(file: PutFile, context: PutContext): Promise<Verified> {
  const { session, observer } = context
  const { temporaryName: temporary } = stagedOf(file)
  const size = session.size === undefined ? ((await session.stat(temporary))?.size ?? null) : await session.size(temporary)
  const verified = size === file.size ? await contentOf(temporary, file, context) : null
  if (verified !== null) return verified
  // What is there is of no use to a later attempt.
  await session.staging.discard(stagedOf(file))
  observer.transferring(0)
  throw notEqual(file, session, size)
}

/** A store that shows nothing before it is published checks each part itself; we look at the whole as soon as we can. */
async function verifyPublished(file: PutFile, stored: RemoteFile | null, context: PutContext): Promise<Verified> {
  const { session } = context
  // Taken away by the partner within the moment: the store confirmed every part and the whole.
  if (stored === null) return { verifiedBy: 'size', remoteSha256: null }
  const verified = stored.size === file.size ? await contentOf(file.remoteName, file, context) : null
  if (verified !== null) return verified
  await session.remove(file.remoteName)
  throw notEqual(file, session, stored.size)
}

function notEqual(file: PutFile, session: FileSession, size: number | null): AppError {
  return new AppError('remote.verification_failed', `${session.folder} has ${size ?? 0} bytes of ${file.size}, or another content`, {
    details: { expectedSize: String(file.size), foundSize: String(size ?? 0), expectedSha256: file.sha256 },
  })
}

/** How the remote content was found equal, or null when it differs. The size is known to be equal. */
async function contentOf(name: string, file: PutFile, context: PutContext): Promise<Verified | null> {
  if (file.verify === 'size') return { verifiedBy: 'size', remoteSha256: null }
  if (file.verify !== 'read-back') {
    const remote = await context.session.hash(name, file.size)
    if (remote !== null) return remote === file.sha256 ? { verifiedBy: 'hash', remoteSha256: remote } : null
    if (file.verify === 'auto') return { verifiedBy: 'size', remoteSha256: null }
  }
  const digest = createHash('sha256')
  for await (const chunk of context.session.read(name, { offset: 0, signal: context.signal })) digest.update(chunk)
  const remote = digest.digest('hex')
  return remote === file.sha256 ? { verifiedBy: 'read-back', remoteSha256: remote } : null
}

async function receiptOf(file: PutFile, { session, clock }: PutContext, verified: Verified, present: RemoteFile | null): Promise<FileReceipt> {
  await session.staging.finish?.(stagedOf(file))
  // Gone already is no contradiction: many partners pick up within the second, and the server confirmed the name.
  const folder = session.folder.endsWith('/') ? session.folder : `${session.folder}/`
  return {
    kind: file.protocol,
    at: timestamp(clock.now()),
    remotePath: `${folder}${file.remoteName}`,
    size: present?.size ?? file.size,
    verifiedBy: verified.verifiedBy,
    remoteSha256: verified.remoteSha256,
    remoteModifiedAt: present?.modifiedAt ?? null,
    facts: present?.facts ?? {},
  }
}
