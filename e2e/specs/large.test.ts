import { afterAll, beforeAll, describe, it } from 'vitest'
import { FILE_PARTNERS, type FilePartner } from '../servers/file-partners.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'
import { largeFile, largeMib, receiveLarge, sendLarge, type LargeFile } from './large.ts'

const mib = largeMib(1024)
const linux = process.platform === 'linux'
const note = linux ? '' : ' (skipped: peak memory is read from /proc, on Linux)'

describe(`a large file of ${mib} MiB, in less than 250 MB of resident memory`, () => {
  let file: LargeFile
  beforeAll(async () => {
    file = await largeFile(mib)
  })
  afterAll(async () => await file?.remove())

  // One server a protocol.
  describe.each(FILE_PARTNERS.filter(({ name }) => name !== 'FTPS at ProFTPD'))('$name', ({ peer, open }) => {
    describe.skipIf(peer.absent || !linux)(`in both directions${peer.note}${note}`, () => {
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

      it('arrives at the partner with the same SHA-256', async () => await sendLarge(here, partner, file), 600_000)
      it('comes from the partner with the same SHA-256', async () => await receiveLarge(here, partner, file), 600_000)
    })
  })
})
