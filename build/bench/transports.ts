/**
 * Files over each transport, beside the clients that people use today at the very same server, in turns.
 * `node build/bench/transports.ts [--only ftps,sftp] [--mib 256] [--files 300] [--rounds 3]`
 * A transport is one file in `transports/` that answers a `Transport`: ours first, the measure of all last.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { race } from './rounds.ts'
import { ftps12Transport, ftpsTransport } from './transports/ftps.ts'
import { s3Transport } from './transports/s3.ts'
import { sftpTransport } from './transports/sftp.ts'
import type { PrepareTransport } from './transports/transport.ts'

const TRANSPORTS: Readonly<Record<string, PrepareTransport>> = { ftps: ftpsTransport, ftps12: ftps12Transport, s3: s3Transport, sftp: sftpTransport }

const { values } = parseArgs({ options: { only: { type: 'string', default: Object.keys(TRANSPORTS).join(',') }, mib: { type: 'string', default: '256' }, files: { type: 'string', default: '300' }, rounds: { type: 'string', default: '3' } } })
const [mib, files, rounds] = [Number(values.mib), Number(values.files), Number(values.rounds)]
const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'))

try {
  const source = join(folder, 'large.bin')
  const file = await open(source, 'w')
  for (let count = 0; count < mib; count++) await file.write(randomBytes(1024 * 1024))
  await file.close()
  const many = join(folder, 'many')
  await mkdir(many)
  const names = Array.from({ length: files }, (_, number) => `file-${number}.edi`)
  for (const name of names) await writeFile(join(many, name), randomBytes(10_000))

  for (const wanted of values.only.split(',')) {
    const prepare = TRANSPORTS[wanted]
    if (prepare === undefined) throw new Error(`there is no transport ${wanted}; known: ${Object.keys(TRANSPORTS).join(', ')}`)
    const transport = await prepare({ folder, source, many, names })
    try {
      const turn = (work: 'putLarge' | 'getLarge' | 'putMany' | 'getMany', tidy?: 'tidyLarge' | 'tidyMany') =>
        transport.contestants.flatMap((contestant) => (contestant[work] === undefined ? [] : [{ name: contestant.name, run: contestant[work], tidy: tidy === undefined ? undefined : contestant[tidy] }]))
      await race(`${transport.name} out, ${mib} MiB`, mib, 'MiB', turn('putLarge', 'tidyLarge'), rounds, { processor: true })
      await race(`${transport.name} in, ${mib} MiB`, mib, 'MiB', turn('getLarge'), rounds, { processor: true })
      await race(`${transport.name} out, ${files} files of 10 KB`, files, 'files', turn('putMany', 'tidyMany'), rounds, { processor: true })
      await race(`${transport.name} in, ${files} files of 10 KB`, files, 'files', turn('getMany'), rounds, { processor: true })
    } finally {
      await transport.stop()
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
