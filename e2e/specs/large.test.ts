import { afterAll, beforeAll, describe, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'
import { sendLarge } from './large-send.ts'

const peer = findPeer('sshd')

describe.skipIf(peer.absent || process.platform !== 'linux')(`a large file${peer.note}${process.platform === 'linux' ? '' : ' (skipped: peak memory is read from /proc, on Linux)'}`, () => {
  let sshd: Sshd
  let here: Installation

  beforeAll(async () => {
    sshd = await startSshd()
    here = newInstallation()
    await setUp(here, partnerFor(sshd))
  })
  afterAll(async () => {
    await sshd?.stop()
    here?.remove()
  })

  it('of 1 GiB arrives with the same SHA-256 in less than 250 MB of resident memory', async () => {
    await sendLarge(here, sshd.folder)
  })
})
