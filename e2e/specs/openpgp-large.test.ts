/** A large file signed and encrypted to GnuPG, and one from it, in bounded memory. */
import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGnupg, type Gnupg } from '../servers/gpg.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'
import { describeLarge, expectBounded, hashOfFile, largeFile, largeMib, peakOf, type LargeFile } from './large.ts'

const peer = findPeer('gpg')
const mib = largeMib(1024)

describeLarge(`OpenPGP with ${mib} MiB`, () => describe.skipIf(peer.absent)(`to and from GnuPG${peer.note}`, () => {
  let gpg: Gnupg
  let here: Installation
  let share: string
  let theirs: string
  let ours: string
  let file: LargeFile

  beforeAll(async () => {
    file = await largeFile(mib)
    gpg = startGnupg()
    here = newInstallation()
    share = join(here.files, 'share')
    for (const folder of [share, join(share, 'in'), join(share, 'out')]) mkdirSync(folder)
    await setUp(here, {
      id: 'acme',
      name: 'Acme GmbH',
      connections: [{ id: 'folder', protocol: 'folder', path: share, folder: 'in', receive: { folder: 'out', stableSeconds: 0, after: 'delete' }, pgp: { outbound: 'sign-and-encrypt', inbound: 'open' } }],
    })
    const made = await here.run('--json', 'trust', 'generate', '--kind', 'pgp', '--name', 'Us', '--email', 'edi@us.example', '--role', 'pgp-sign', '--role', 'pgp-decrypt')
    expect(made.exit, made.err).toBe(0)
    const { id, fingerprint } = made.json<{ id: string; fingerprint: string }>()
    ours = fingerprint
    expect((await here.run('trust', 'export', id, '--out', join(here.files, 'us.asc'))).exit).toBe(0)
    gpg.run(['--import', join(here.files, 'us.asc')])
    theirs = gpg.generate('Key-Type: RSA\nKey-Length: 3072\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 3072\nSubkey-Usage: encrypt\nName-Real: Acme\nExpire-Date: 0')
    const imported = await here.run('trust', 'import', here.file('theirs.asc', gpg.run(['--armor', '--export', theirs])), '--partner', 'acme', '--role', 'pgp-encrypt', '--role', 'pgp-verify', '--provenance', 'read by phone by Ms Ito', '--source', 'phone')
    expect(imported.exit, imported.err).toBe(0)
  })
  afterAll(async () => {
    await file?.remove()
    gpg?.stop()
    here?.remove()
  })

  it('is opened and verified by gpg with the same SHA-256', async () => {
    expectBounded(await peakOf(here, '--json', 'send', 'acme', file.path))
    const opened = join(here.files, 'opened.bin')
    const { status, said } = gpg.ask(['--status-fd', '2', '--output', opened, '--decrypt', join(share, 'in', 'large.bin.pgp')])
    expect(status, said).toBe(0)
    expect(said).toMatch(new RegExp(`VALIDSIG ${ours}`, 'i'))
    expect(await hashOfFile(opened)).toBe(file.sha256)
    await rm(opened)
    await rm(join(share, 'in', 'large.bin.pgp'))
  }, 600_000)

  it('comes from gpg, is verified and released with the same SHA-256', async () => {
    gpg.run(['--compress-algo', 'none', '--local-user', theirs, '--recipient', ours, '--sign', '--encrypt', '--output', join(share, 'out', 'coming.bin.pgp'), file.path])
    expectBounded(await peakOf(here, '--json', 'receive', 'acme'))
    expect(await hashOfFile(join(here.workspace, 'partners', 'acme', 'Inbox', 'coming.bin'))).toBe(file.sha256)
  }, 600_000)
}))
