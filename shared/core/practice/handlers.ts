import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { PracticeStatus } from '../../contract/partners.ts'
import type { Actor } from '../kernel/actor.ts'
import type { CallContext } from '../kernel/call-context.ts'
import { AppError } from '../kernel/errors.ts'
import type { Receiver } from '../messages/receiver.ts'
import type { PartnerService } from '../partners/service.ts'
import type { TrustService } from '../trust/service.ts'
import { AS2, PARTNER, practiceDocument, servicesOf } from './document.ts'
import type { PracticePort, RunningPractice } from './port.ts'

/** Where the station has no AS2 identifier yet. */
const OUR_PRACTICE_ID = 'WAYBILL'
const MOST_SHOWN = 50

export type PracticeHandlers = WaybillHandlers<CallContext>['practice'] & { shutDown(): Promise<void> }

/** Starts and stops the practice partner and keeps its partner record in step with the running server. */
export function practiceHandlers(deps: {
  readonly port: PracticePort
  readonly partners: PartnerService
  readonly trust: TrustService
  readonly receiver: Pick<Receiver, 'status' | 'start'>
  /** Our AS2 identifier, if the station has one. */
  readonly as2Id: () => string | null
  readonly folder: string
}): PracticeHandlers {
  const { port, partners, trust, receiver, folder } = deps
  const home = join(folder, 'practice')
  let running: RunningPractice | null = null
  let starting: Promise<RunningPractice> | null = null

  const status = async (): Promise<PracticeStatus> => ({
    running: running !== null,
    partner: running === null ? null : PARTNER,
    address: running === null ? null : `${running.host}:${running.port}`,
    services: running === null ? [] : servicesOf(running),
    received: await receivedFiles(join(home, 'files')),
  })

  const start = async (actor: Actor): Promise<RunningPractice> => {
    await mkdir(home, { recursive: true, mode: 0o700 })
    const server = await port.start(home)
    partners.apply(practiceDocument(server, deps.as2Id() === null ? OUR_PRACTICE_ID : null), actor, { practice: true })
    await exchangeCertificates(server, actor)
    return server
  }

  /** Each side gets the other's certificate. Ours is the station's, or one that is used here only. */
  const exchangeCertificates = async (server: RunningPractice, actor: Actor): Promise<void> => {
    const target = { partner: PARTNER, connection: AS2 }
    await trust.import(
      {
        content: Buffer.from(server.as2.certificate),
        kind: 'x509',
        label: 'Practice partner',
        bind: [{ ...target, role: 'verify' }, { ...target, role: 'encrypt' }],
        provenance: { source: 'embedded', note: 'Handed over by the practice server when Waybill started it' },
      },
      actor,
    )
    const ours = (role: 'sign' | 'decrypt'): string | undefined => trust.materials.of(PARTNER, AS2, role).find(({ item }) => item.publicKey !== null)?.item.publicKey ?? undefined
    if (ours('sign') === undefined || ours('decrypt') === undefined)
      await trust.generate({ kind: 'x509', subject: { commonName: OUR_PRACTICE_ID }, key: 'rsa-2048', days: 1095, altNames: [], label: 'Ours, for the practice partner', bind: [{ ...target, role: 'sign' }, { ...target, role: 'decrypt' }] }, actor)
    const certificate = ours('sign')
    if (certificate !== undefined) await server.know({ as2Id: deps.as2Id() ?? OUR_PRACTICE_ID, certificate })
  }

  const mustRun = (): RunningPractice => {
    if (running === null) throw new AppError('input.conflict', 'the practice partner does not run')
    return running
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
    async offer() {
      const { out } = mustRun()
      const name = nameNow()
      const place = join(home, 'files', out)
      await mkdir(place, { recursive: true, mode: 0o700 })
      await writeFile(join(place, `.${name}.part`), `UNA:+.? '\r\nUNB+UNOC:3+PRACTICE+WAYBILL+260101:0000+${Date.now()}'\r\nUNZ+0+${Date.now()}'\r\n`, { mode: 0o600 })
      await rename(join(place, `.${name}.part`), join(place, name))
      return { name }
    },
    async sendToUs(_, { actor }) {
      const server = mustRun()
      const { address } = receiver.status().listening ? receiver.status() : await receiver.start(actor, { host: '127.0.0.1', port: 0, tls: false })
      if (address === null) throw new AppError('as2.receiver_failed', 'our receiver does not listen')
      // Certificates may have changed since it was started.
      await exchangeCertificates(server, actor)
      const name = nameNow()
      const sent = await server.send({ url: address, name, content: Buffer.from(`UNA:+.? '\r\nUNB+UNOC:3+${server.as2.id}+WAYBILL+260101:0000+1'\r\nUNZ+0+1'\r\n`) })
      return { name, ...sent, reasons: [...sent.reasons] }
    },
    async shutDown() {
      await running?.stop()
      running = null
    },
  }
}

/** Another one each second. */
function nameNow(): string {
  return `practice-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}.edi`
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
