import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FILE_PARTNERS, type FilePartner } from '../servers/file-partners.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const COUNT = 1_000
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
/** Among them names as people give them, and a file without content. */
const SPECIAL = ['  two  spaces .txt', `quote'd "name" $(x);z.txt`, 'Überweisung März.xml', '名前.csv', '-leading.txt', '100%2e#?&.edi']
const filesOf = (count: number, bytes: number): Map<string, Buffer> =>
  new Map(Array.from({ length: count }, (_, index) => [SPECIAL[index] ?? `order ${index}.edi`, index === count - 1 ? Buffer.alloc(0) : randomBytes(bytes)]))
/** As it stands in the Inbox: without what Windows forbids, and without blanks around it. */
const inInbox = (name: string): string => name.replaceAll(/[:*?"<>|]/g, '_').trim()

describe.each(FILE_PARTNERS)('many files: $name', ({ name, peer, open }) => {
  describe.skipIf(peer.absent)(`with this partner${peer.note}`, () => {
    let partner: FilePartner
    let here: Installation
    beforeAll(async () => {
      partner = await open()
      here = newInstallation()
      // FTPS takes several connections unless one is agreed.
      await setUp(here, partner.document({ verify: 'size', ...(/FTPS/.test(name) ? { maxConnections: 1 } : {}) }))
    })
    afterAll(async () => {
      await partner?.stop()
      here?.remove()
    })

    const send = async (files: ReadonlyMap<string, Buffer>): Promise<void> => {
      const sent = await here.run('--json', 'send', 'acme', ...[...files].map(([name, bytes]) => here.file(name, bytes)))
      expect(sent.exit, sent.err.slice(-2000)).toBe(0)
      expect(await partner.sent.names()).toEqual([...files.keys()].toSorted())
      for (const [name, bytes] of files) expect(await partner.sent.hash(name)).toBe(sha(bytes))
      await partner.sent.clear()
    }

    it(`${COUNT} of 10 KB go over one sign-in, each once and whole`, async () => {
      const before = partner.signIns()
      await send(filesOf(COUNT, 10_000))
      if (before !== null) expect((partner.signIns() ?? 0) - before).toBe(1)
    }, 600_000)

    it(`${COUNT} of 10 KB come over one sign-in, each once and whole`, async () => {
      const files = filesOf(COUNT, 10_000)
      for (const [name, bytes] of files) await partner.offered.put(name, bytes)
      const before = partner.signIns()
      const done = await here.run('--json', 'receive', 'acme')
      expect(done.exit, done.err.slice(-2000)).toBe(0)
      if (before !== null) expect((partner.signIns() ?? 0) - before).toBe(1)
      const inbox = join(here.workspace, 'partners', 'acme', 'Inbox')
      const names = [...files.keys()].map(inInbox).toSorted()
      expect(readdirSync(inbox).toSorted()).toEqual(names)
      for (const [name, bytes] of files) expect(sha(readFileSync(join(inbox, inInbox(name))))).toBe(sha(bytes))
      expect(await partner.offered.names()).toEqual([])

      // One of them once more under another name: its content gives it away, and a person decides.
      await partner.offered.put('renamed.edi', files.get('order 7.edi') ?? Buffer.alloc(1))
      const again = await here.run('--json', 'receive', 'acme')
      expect([again.exit, again.json<{ taken: { state: string; error: { code: string } }[] }>().taken.map(({ state, error }) => `${state} ${error.code}`)]).toEqual([3, ['held receive.same_content']])
      expect(readdirSync(inbox).toSorted()).toEqual(names)
      expect(await partner.offered.names()).toEqual(['renamed.edi'])
    }, 600_000)

    if (/FTPS/.test(name)) it('come over as many connections as the partner permits, and no more', async () => {
      expect((await here.run('partner', 'apply', here.file('three.json', JSON.stringify(partner.document({ maxConnections: 3 }))))).exit).toBe(0)
      await partner.offered.clear()
      const files = new Map(Array.from({ length: 30 }, (_, number) => [`side by side ${number}.edi`, randomBytes(10_000)] as const))
      for (const [file, bytes] of files) await partner.offered.put(file, bytes)
      const before = partner.signIns() ?? 0
      const done = await here.run('--json', 'receive', 'acme')
      expect(done.exit, done.err.slice(-2000)).toBe(0)
      expect((partner.signIns() ?? 0) - before).toBe(3)
      for (const [file, bytes] of files) expect(sha(readFileSync(join(here.workspace, 'partners', 'acme', 'Inbox', file)))).toBe(sha(bytes))
      expect(await partner.offered.names()).toEqual([])
    })

    // Only this protocol permits several so far.
    if (name === 'SFTP at OpenSSH') it('use as many connections as the partner permits, and no more', async () => {
      expect((await here.run('partner', 'apply', here.file('three.json', JSON.stringify(partner.document({ maxConnections: 3 }))))).exit).toBe(0)
      const before = partner.signIns() ?? 0
      await send(filesOf(30, 400_000))
      expect((partner.signIns() ?? 0) - before).toBe(3)
    })
  })
})
