import { afterAll, beforeAll, it } from 'vitest'
import { FILE_PARTNERS } from '../servers/file-partners.ts'
import { describeLarge, largeFile, largeMib, receiveLarge, sendLarge, type LargeFile } from './large.ts'
import { atEachPartner } from './settings.ts'

const mib = largeMib(1024)

describeLarge(`a large file of ${mib} MiB`, () => {
  let file: LargeFile
  beforeAll(async () => void (file = await largeFile(mib)))
  afterAll(async () => await file?.remove())

  atEachPartner(
    'in both directions',
    (at) => {
      it('arrives at the partner with the same SHA-256', async () => await sendLarge(at.here, at.partner, file), 600_000)
      it('comes from the partner with the same SHA-256', async () => await receiveLarge(at.here, at.partner, file), 600_000)
    },
    // One server a protocol.
    { kinds: FILE_PARTNERS.filter(({ name }) => name !== 'FTPS at ProFTPD') },
  )
})
