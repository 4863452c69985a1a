import { afterAll, beforeAll, describe, it } from 'vitest'
import { FILE_PARTNERS, type FilePartner } from '../servers/file-partners.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'
import { largeMib, receiveLarge, sendLarge } from './large.ts'

/** A gibibyte where that is quick. */
const QUICK: Readonly<Record<string, number>> = { 'a folder': 1024, 'SFTP at OpenSSH': 1024 }

const note = process.platform === 'linux' ? '' : ' (skipped: peak memory is read from /proc, on Linux)'

describe.each(FILE_PARTNERS)('a large file: $name', ({ name, peer, open }) => {
  const mib = largeMib(QUICK[name] ?? 256)
  describe.skipIf(peer.absent || process.platform !== 'linux')(`of ${mib} MiB, in less than 250 MB of resident memory${peer.note}${note}`, () => {
    let partner: FilePartner
    let here: Installation
    beforeAll(async () => {
      partner = await open()
      here = newInstallation()
      await setUp(here, partner.document())
    })
    afterAll(async () => {
      await partner?.stop()
      here?.remove()
    })

    it('arrives at the partner with the same SHA-256', async () => await sendLarge(here, partner, mib), 600_000)
    it('comes from the partner with the same SHA-256', async () => await receiveLarge(here, partner, mib), 600_000)
  })
})
