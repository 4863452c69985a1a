/** What tests begin with: an installation, a partner with a real server, and each known to the other. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { FILE_PARTNERS, type FilePartner, type FilePartnerKind } from '../servers/file-partners.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'

/** Both are there once the first test runs. */
export interface Exchange {
  readonly here: Installation
  readonly partner: FilePartner
}

/**
 * Registers tests for every file protocol, each with an installation that knows its partner as `acme`, for all of them together. Where
 * the server is absent they are skipped, and the name says what to install.
 */
export function atEachPartner(title: string, tests: (at: Exchange, kind: FilePartnerKind) => void, options: { readonly kinds?: readonly FilePartnerKind[]; readonly connection?: (kind: FilePartnerKind) => Readonly<Record<string, unknown>> } = {}): void {
  for (const kind of options.kinds ?? FILE_PARTNERS)
    describe.skipIf(kind.peer.absent)(`${title}: ${kind.name}${kind.peer.note}`, () => {
      const at = {} as { -readonly [Part in keyof Exchange]: Exchange[Part] }
      beforeAll(async () => {
        at.partner = await kind.open()
        at.here = newInstallation()
        await setUp(at.here, at.partner.document(options.connection?.(kind)))
      })
      afterAll(async () => {
        await at.partner?.stop()
        at.here?.remove()
      })
      tests(at, kind)
    })
}

/**
 * For the tests of a `describe` one OpenSSH server; for each of them its folder empty, and a new installation that knows it as partner
 * `acme`. `begin` is told both before each test.
 */
export function atOpenSsh(begin: (sshd: Sshd, here: Installation) => void): void {
  let sshd: Sshd
  let here: Installation
  beforeAll(async () => void (sshd = await startSshd()))
  afterAll(async () => await sshd?.stop())
  beforeEach(async () => {
    for (const name of readdirSync(sshd.folder)) rmSync(join(sshd.folder, name), { recursive: true })
    here = newInstallation()
    await setUp(here, partnerFor(sshd))
    begin(sshd, here)
  })
  afterEach(() => here.remove())
}
