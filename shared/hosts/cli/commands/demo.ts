import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { Delivery, Receipt } from '../../../contract/deliveries.ts'
import type { WaybillClient } from '../../../contract/index.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { streamLogger } from '../../../core/kernel/logger.ts'
import { systemUser } from '../../../core/kernel/system-user.ts'
import { startCoreHost } from '../../core-host.ts'
import { SAMPLE_FILE } from '../../locations.ts'
import { VERSION } from '../../version.ts'
import { finish, type GlobalOptions } from '../command.ts'
import type { Output } from '../output.ts'
import { table } from '../output.ts'

export function demoCommand(program: Command, optionsOf: () => GlobalOptions): void {
  program
    .command('demo')
    .description('the main job once, in a throwaway workspace, to the embedded practice partner')
    .action(async () => {
      await finish(optionsOf(), async (output) => {
        const folder = await mkdtemp(join(tmpdir(), 'waybill-demo-'))
        try {
          await inThrowawayWorkspace(folder, async (client) => await mainJob(client, output))
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
    })
}

async function inThrowawayWorkspace(folder: string, job: (client: WaybillClient) => Promise<void>): Promise<void> {
  const host = await startCoreHost({ folder, version: VERSION, passphrase: undefined, mode: 'on-demand', awaitOpening: true, ui: null, logger: streamLogger(process.stderr, 'warn') })
  try {
    const client = host.client({ kind: 'cli', name: systemUser() })
    await client.workspace.create({ passphrase: randomBytes(24).toString('base64url'), useKeychain: false })
    await job(client)
  } finally {
    await host.close()
  }
}

async function mainJob(client: WaybillClient, output: Output): Promise<void> {
  const practice = await client.practice.start({})
  output.note(`1. Practice partner: an SFTP server of its own at ${practice.address ?? 'unknown'}, its host key pinned`)
  const { results } = await client.deliveries.send({ partner: 'practice', files: [{ source: { path: SAMPLE_FILE } }] })
  const sent = results[0]?.delivery
  if (!sent) throw new AppError('internal.unexpected', results[0]?.error?.message ?? 'nothing was sent')
  const [delivery] = (await client.deliveries.wait({ ids: [sent.id] })).deliveries
  if (delivery?.state !== 'delivered') throw new AppError('internal.unexpected', delivery?.error?.message ?? 'the file was not delivered')
  output.note(`2. Sent ${delivery.fileName} (${delivery.size} bytes); receipt: ${receiptText(delivery.receipt)}`)
  const { received } = await client.practice.status({})
  const arrived = received.find(({ sha256 }) => sha256 === delivery.sha256)
  if (arrived === undefined) throw new AppError('internal.unexpected', 'the practice partner does not have the same bytes')
  output.note(`3. The practice partner holds the same bytes: SHA-256 ${arrived.sha256}`)
  const as2 = await as2Job(client, output)
  const trace = await client.audit.trace({ query: as2.id })
  output.note(`7. Its life in the audit trail:\n${table(trace.events.map((event) => [`   ${event.seq}`, event.at, event.type]))}`)
  const verdict = await client.audit.verify({})
  if (!verdict.ok) throw new AppError('audit.broken', verdict.firstBad?.explanation ?? 'the chain does not hold')
  output.result({ delivered: true, delivery, as2, trace, verdict }, () => `Delivered and verified: the chain of ${verdict.checked} records holds (head ${verdict.head}).`)
}

/** The same file by AS2, signed and encrypted both ways. */
async function as2Job(client: WaybillClient, output: Output): Promise<Delivery> {
  const { results } = await client.deliveries.send({ partner: 'practice', connection: 'as2', files: [{ source: { path: SAMPLE_FILE } }], allowDuplicate: 'the demonstration sends it by AS2 too' })
  const sent = results[0]?.delivery
  if (!sent) throw new AppError('internal.unexpected', results[0]?.error?.message ?? 'nothing was sent by AS2')
  const [delivery] = (await client.deliveries.wait({ ids: [sent.id] })).deliveries
  if (delivery?.state !== 'delivered' || delivery.receipt?.kind !== 'mdn') throw new AppError('internal.unexpected', delivery?.error?.message ?? 'the message was not delivered')
  const { message } = await client.as2.message({ delivery: delivery.id })
  output.note(`4. Sent it by AS2 (${message?.layers.toReversed().join(', then ') ?? ''}), Message-ID ${delivery.receipt.messageId}`)
  output.note(`5. Its receipt: ${delivery.receipt.disposition}; signed by ${delivery.receipt.signer ?? 'nobody'}; content check ${delivery.receipt.micMatches === true ? 'equal' : 'DIFFERENT'}`)
  const came = await client.practice.sendToUs({})
  if (!came.delivered) throw new AppError('internal.unexpected', came.reasons.join(' '))
  output.note(`6. The practice partner sent ${came.name} to our receiver, and our signed receipt convinced it: ${came.disposition}`)
  return delivery
}

function receiptText(receipt: Receipt | null): string {
  if (receipt === null) return 'none'
  if (receipt.kind === 'mdn') return receipt.disposition
  return receipt.kind === 'received' ? receipt.source : `${receipt.remotePath}, checked by ${receipt.verifiedBy}`
}
