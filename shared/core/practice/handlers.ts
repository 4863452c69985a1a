import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { PracticeStatus } from '../../contract/partners.ts'
import type { Actor } from '../kernel/actor.ts'
import type { CallContext } from '../kernel/call-context.ts'
import type { PartnerService } from '../partners/service.ts'
import type { PracticePort, RunningPractice } from './port.ts'

const PARTNER = 'practice'
const MOST_SHOWN = 50

export type PracticeHandlers = WaybillHandlers<CallContext>['practice'] & { shutDown(): Promise<void> }

/** Starts and stops the practice partner and keeps its partner record in step with the running server. */
export function practiceHandlers(deps: { readonly port: PracticePort; readonly partners: PartnerService; readonly folder: string }): PracticeHandlers {
  const { port, partners, folder } = deps
  const home = join(folder, 'practice')
  let running: RunningPractice | null = null
  let starting: Promise<RunningPractice> | null = null

  const status = async (): Promise<PracticeStatus> => ({
    running: running !== null,
    partner: running === null ? null : PARTNER,
    address: running === null ? null : `${running.host}:${running.port}`,
    received: await receivedFiles(join(home, 'files')),
  })

  const start = async (actor: Actor): Promise<RunningPractice> => {
    await mkdir(home, { recursive: true, mode: 0o700 })
    const server = await port.start(home)
    partners.apply(
      {
        id: PARTNER,
        name: 'Practice partner',
        notes: 'A real SFTP server on this computer, to try things out. Nothing leaves the computer.',
        connections: [
          {
            id: 'sftp',
            protocol: 'sftp',
            host: server.host,
            port: server.port,
            username: server.username,
            auth: { method: 'password', password: server.password },
            hostKeys: [{ key: server.hostKey, provenance: { source: 'embedded', note: 'Handed over by the practice server when Waybill started it' } }],
          },
        ],
      },
      actor,
      { practice: true },
    )
    return server
  }

  return {
    async start(_, { actor }) {
      if (running !== null) return await status()
      starting ??= start(actor)
      try {
        running = await starting
      } finally {
        starting = null
      }
      return await status()
    },
    async stop() {
      await running?.stop()
      running = null
      return await status()
    },
    status: async () => await status(),
    async shutDown() {
      await running?.stop()
      running = null
    },
  }
}

async function receivedFiles(folder: string): Promise<PracticeStatus['received']> {
  const names = await readdir(folder).catch((): string[] => [])
  const files = await Promise.all(
    names.filter((name) => !name.startsWith('.')).map(async (name) => ({ name, found: await stat(join(folder, name)).catch(() => null) })),
  )
  const newest = files.flatMap(({ name, found }) => (found?.isFile() ? [{ name, found }] : [])).sort((a, b) => b.found.mtimeMs - a.found.mtimeMs)
  return await Promise.all(
    newest.slice(0, MOST_SHOWN).map(async ({ name, found }) => ({ name, size: found.size, sha256: await sha256Of(join(folder, name)), at: found.mtime.toISOString() })),
  )
}

async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}
