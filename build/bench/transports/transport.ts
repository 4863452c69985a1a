/** What a transport brings to the race. */
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FileSession } from '../../../shared/core/protocols/file-protocol.ts'

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
  /** Fetches what `putLarge` of the same contestant put. */
  getLarge(): Promise<void>
  putMany(): Promise<void>
  /** Fetches what `putMany` of the same contestant put; absent where nothing is left of it. */
  getMany?(): Promise<void>
}

export interface Transport {
  readonly name: string
  readonly contestants: readonly Runner[]
  stop(): Promise<void>
}

export type PrepareTransport = (work: Work) => Promise<Transport>

const signal = new AbortController().signal

/** Ours, on any file protocol. `safe`: each small file as a delivery does it (temporary name, look, rename; removed again for the next round), which others do not do. */
export function ourRunner(work: Work, connect: (signal: AbortSignal) => Promise<FileSession>, safe: boolean, connections = 1): Runner {
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
  const upload = async (session: FileSession, from: string, to: string): Promise<void> =>
    await session.write(to, createReadStream(from, { highWaterMark: 1024 * 1024 }), { offset: 0, signal, onAcknowledged: () => undefined })
  const fetch = async (session: FileSession, name: string, to: string): Promise<void> => {
    const target = await open(to, 'w')
    for await (const chunk of session.read(name, { offset: 0, signal })) await target.write(chunk)
    await target.close()
  }
  return {
    name: `Waybill${safe ? ', staged' : ''}${connections > 1 ? `, ${connections} lines` : ''}`,
    putLarge: async () => await withSession(async (session) => await upload(session, work.source, 'ours.bin')),
    getLarge: async () =>
      await withSession(async (session) => await fetch(session, 'ours.bin', join(work.folder, 'ours.bin'))),
    putMany: async () =>
      await withSessions(connections, async (session, waiting) => {
        await sideBySide(waiting, session.capabilities.filesAtOnce, async (name) => {
          if (!safe) return await upload(session, join(work.many, name), name)
          const content = (): AsyncIterable<Uint8Array> => createReadStream(join(work.many, name))
          const file = { temporaryName: `.${name}.part`, finalName: `staged-${name}`, content }
          await session.staging.write(file, content(), { offset: 0, signal, onAcknowledged: () => undefined })
          await session.staging.publish(file)
          await session.remove(file.finalName)
        })
      }),
    ...(safe
      ? {}
      : {
          getMany: async () =>
            await withSession(async (session) => {
              await mkdir(join(work.folder, 'ours-many'), { recursive: true })
              // As the engine collects: several at a time over the one session.
              await sideBySide([...work.names], 8, async (name) => await fetch(session, name, join(work.folder, 'ours-many', name)))
            }),
        }),
  }
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

/** Another program, to its end; its complaints are ours. */
export async function program(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  return (await run(command, [...args], { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 })).stdout
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
