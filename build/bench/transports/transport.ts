/** What a transport brings to the race. */
import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHash } from 'node:crypto'
import { putFile } from '../../../shared/core/deliveries/put-file.ts'
import { relieveBuffers } from '../../../shared/core/kernel/buffer-relief.ts'
import { systemClock } from '../../../shared/core/kernel/clock.ts'
import type { FileProtocol, FileSession } from '../../../shared/core/protocols/file-protocol.ts'
import { others } from '../rounds.ts'

/** The work: a large file, and a folder of many small ones. Connecting is part of it, for everybody. */
export interface Work {
  /** For whatever a contestant needs. */
  readonly folder: string
  readonly source: string
  readonly many: string
  readonly names: readonly string[]
}

export interface Runner {
  readonly name: string
  putLarge(): Promise<void>
  /** Fetches what `putLarge` of the same contestant put; absent where nothing is left of it. */
  getLarge?(): Promise<void>
  putMany(): Promise<void>
  /** Fetches what `putMany` put; absent where nothing is left of it. */
  getMany?(): Promise<void>
  /** After each `putLarge` and `putMany`, not timed. */
  tidyLarge?(): Promise<void>
  tidyMany?(): Promise<void>
}

export interface Transport {
  readonly name: string
  readonly contestants: readonly Runner[]
  stop(): Promise<void>
}

export type PrepareTransport = (work: Work) => Promise<Transport>

const signal = new AbortController().signal

/** How ours takes part: `delivered`: each file as a delivery puts it (looked for, held back, verified, named, looked at), which others do not do. */
export interface Ours {
  readonly protocol: FileProtocol['id']
  readonly delivered: boolean
  readonly connections?: number
  /** What the connection's settings say of the check after an upload. */
  readonly verify?: 'auto' | 'size'
  /** What is special about its settings. */
  readonly note?: string
}

/** Ours, on any file protocol. */
export function ourRunner(work: Work, connect: (signal: AbortSignal) => Promise<FileSession>, { protocol, delivered, connections = 1, verify = 'auto', note }: Ours): Runner {
  const withSession = async (action: (session: FileSession) => Promise<void>): Promise<void> => {
    const session = await connect(signal)
    try {
      await action(session)
    } finally {
      await session.close()
    }
  }
  const withSessions = async (count: number, action: (session: FileSession, waiting: string[]) => Promise<void>): Promise<void> => {
    const waiting = [...work.names]
    await Promise.all(Array.from({ length: count }, async () => await withSession(async (session) => await action(session, waiting))))
  }
  // As the payload store reads: small files at once, large ones by the mebibyte, and telling what went through.
  const reading = (from: string, offset = 0): AsyncIterable<Uint8Array> => (from === work.source ? largeFile(from, offset) : smallFile(from, offset))
  const upload = async (session: FileSession, from: string, to: string): Promise<void> => await session.write(to, reading(from), { offset: 0, signal, onAcknowledged: () => undefined })
  // Known since the file was copied into the store, so that it is no part of the work.
  const known = new Map([work.source, ...work.names.map((name) => join(work.many, name))].map((path) => [path, { size: statSync(path).size, sha256: sha256Of(path) }]))
  const deliver = async (session: FileSession, from: string, remoteName: string): Promise<void> => {
    const { size, sha256 } = known.get(from) ?? { size: 0, sha256: '' }
    const observer = { stage: () => undefined, absent: () => undefined, transferring: () => undefined, acknowledged: () => undefined, committing: async () => await Promise.resolve() }
    const file = { id: `dlv_${remoteName}`, protocol, remoteName, size, sha256, verify, untouched: true, maybeArrived: false, askedBefore: false, acknowledged: 0, content: (offset: number) => reading(from, offset) }
    await putFile(file, { session, observer, clock: systemClock, signal })
  }
  const fetch = async (session: FileSession, name: string, to: string): Promise<void> => {
    const target = await open(to, 'w')
    // By the mebibyte, as the payload store writes.
    let [pieces, bytes]: [Uint8Array[], number] = [[], 0]
    for await (const piece of session.read(name, { offset: 0, signal })) {
      pieces.push(piece)
      bytes += piece.length
      if (bytes < 1024 * 1024) continue
      relieveBuffers(bytes)
      await target.writev(pieces)
      ;[pieces, bytes] = [[], 0]
    }
    await target.writev(pieces)
    await target.close()
  }
  const removeAll = async (names: readonly string[]): Promise<void> =>
    await withSession(async (session) => await sideBySide([...names], session.capabilities.filesAtOnce, async (name) => void (await session.remove(name))))
  return {
    name: `Waybill${delivered ? ', delivered' : ''}${connections > 1 ? `, ${connections} lines` : ''}${note === undefined ? '' : `, ${note}`}`,
    putLarge: async () => await withSession(async (session) => (delivered ? await deliver(session, work.source, 'delivered.bin') : await upload(session, work.source, 'ours.bin'))),
    putMany: async () =>
      await withSessions(connections, async (session, waiting) => {
        await sideBySide(waiting, session.capabilities.filesAtOnce, async (name) => (delivered ? await deliver(session, join(work.many, name), `delivered-${name}`) : await upload(session, join(work.many, name), name)))
      }),
    ...(delivered ? { tidyLarge: async () => await removeAll(['delivered.bin']), tidyMany: async () => await removeAll(work.names.map((name) => `delivered-${name}`)) } : {}),
    ...(delivered ? {} : { getLarge: async () => await withSession(async (session) => await fetch(session, 'ours.bin', join(work.folder, 'ours.bin'))) }),
    // Once plainly, and once over the lines that the engine opens beside the first.
    ...(delivered && connections === 1
      ? {}
      : {
          getMany: async () => {
            await mkdir(join(work.folder, 'ours-many'), { recursive: true })
            await withSessions(connections, async (session, waiting) => {
              // As the engine collects: several at a time over each session.
              await sideBySide(waiting, connections === 1 ? 8 : 2, async (name) => await fetch(session, name, join(work.folder, 'ours-many', name)))
            })
          },
        }),
  }
}

function sha256Of(path: string): string {
  const digest = createHash('sha256')
  const file = openSync(path, 'r')
  const piece = Buffer.allocUnsafe(1024 * 1024)
  for (let bytes = readSync(file, piece); bytes > 0; bytes = readSync(file, piece)) digest.update(piece.subarray(0, bytes))
  closeSync(file)
  return digest.digest('hex')
}

async function* largeFile(path: string, start: number): AsyncIterable<Buffer> {
  for await (const piece of createReadStream(path, { start, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    relieveBuffers(piece.length)
    yield piece
  }
}

async function* smallFile(path: string, offset: number): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(readFileSync(path).subarray(offset))
}

async function sideBySide(waiting: string[], atOnce: number, action: (name: string) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await action(name)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

export async function emptyFolder({ folder }: Work, name: string): Promise<string> {
  await rm(join(folder, name), { recursive: true, force: true })
  await mkdir(join(folder, name))
  return join(folder, name)
}

const run = promisify(execFile)

/** Another program, to its end; its complaints are ours, and its processor time is noted. */
export async function program(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout, stderr } = await run('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', command, ...args], { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 })
  for (const seconds of stderr.trim().split('\n').at(-1)?.split(' ') ?? []) others.processorSeconds += Number(seconds)
  return stdout
}

/** A client that is absent or cannot work with this server takes no part, and is named. */
export async function usable(runners: readonly Runner[]): Promise<Runner[]> {
  const kept: Runner[] = []
  for (const runner of runners) {
    try {
      await runner.putLarge()
      kept.push(runner)
    } catch (error) {
      process.stdout.write(`${runner.name} takes no part: ${String(error).split('\n').slice(0, 3).join(' ').slice(0, 300)}\n`)
    }
  }
  return kept
}
