import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { atEachPartner } from './settings.ts'

const COUNT = 1_000
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
/** Among them names as people give them, and a file without content. */
const SPECIAL = ['  two  spaces .txt', `quote'd "name" $(x);z.txt`, 'Überweisung März.xml', '名前.csv', '-leading.txt', '100%2e#?&.edi']
const filesOf = (count: number, bytes: number): Map<string, Buffer> =>
  new Map(Array.from({ length: count }, (_, index) => [SPECIAL[index] ?? `order ${index}.edi`, index === count - 1 ? Buffer.alloc(0) : randomBytes(bytes)]))
/** As it stands in the Inbox: without what Windows forbids, and without blanks around it. */
const inInbox = (name: string): string => name.replaceAll(/[:*?"<>|]/g, '_').trim()

atEachPartner(
  'many files',
  (at, { name }) => {
    const send = async (files: ReadonlyMap<string, Buffer>): Promise<void> => {
      const sent = await at.here.run('--json', 'send', 'acme', ...[...files].map(([name, bytes]) => at.here.file(name, bytes)))
      expect(sent.exit, sent.err.slice(-2000)).toBe(0)
      expect(await at.partner.sent.names()).toEqual([...files.keys()].toSorted())
      for (const [name, bytes] of files) expect(await at.partner.sent.hash(name)).toBe(sha(bytes))
      await at.partner.sent.clear()
    }

    it(`${COUNT} of 10 KB go over one sign-in, each once and whole`, async () => {
      const before = await at.partner.signIns()
      await send(filesOf(COUNT, 10_000))
      if (before !== null) expect(((await at.partner.signIns()) ?? 0) - before).toBe(1)
    }, 600_000)

    it(`${COUNT} of 10 KB come over one sign-in, each once and whole`, async () => {
      const files = filesOf(COUNT, 10_000)
      for (const [name, bytes] of files) await at.partner.offered.put(name, bytes)
      const before = await at.partner.signIns()
      const done = await at.here.run('--json', 'receive', 'acme')
      expect(done.exit, done.err.slice(-2000)).toBe(0)
      if (before !== null) expect(((await at.partner.signIns()) ?? 0) - before).toBe(1)
      const inbox = join(at.here.workspace, 'partners', 'acme', 'Inbox')
      const names = [...files.keys()].map(inInbox).toSorted()
      expect(readdirSync(inbox).toSorted()).toEqual(names)
      for (const [name, bytes] of files) expect(sha(readFileSync(join(inbox, inInbox(name))))).toBe(sha(bytes))
      expect(await at.partner.offered.names()).toEqual([])

      // One of them once more under another name: its content gives it away, and a person decides.
      await at.partner.offered.put('renamed.edi', files.get('order 7.edi') ?? Buffer.alloc(1))
      const again = await at.here.run('--json', 'receive', 'acme')
      expect([again.exit, again.json<{ taken: { state: string; error: { code: string } }[] }>().taken.map(({ state, error }) => `${state} ${error.code}`)]).toEqual([3, ['held receive.same_content']])
      expect(readdirSync(inbox).toSorted()).toEqual(names)
      expect(await at.partner.offered.names()).toEqual(['renamed.edi'])
    }, 600_000)

    if (/FTPS/.test(name)) it('come over as many connections as the partner permits, and no more', async () => {
      expect((await at.here.run('partner', 'apply', at.here.file('three.json', JSON.stringify(at.partner.document({ maxConnections: 3 }))))).exit).toBe(0)
      await at.partner.offered.clear()
      const files = new Map(Array.from({ length: 30 }, (_, number) => [`side by side ${number}.edi`, randomBytes(10_000)] as const))
      for (const [file, bytes] of files) await at.partner.offered.put(file, bytes)
      const before = (await at.partner.signIns()) ?? 0
      const done = await at.here.run('--json', 'receive', 'acme')
      expect(done.exit, done.err.slice(-2000)).toBe(0)
      expect(((await at.partner.signIns()) ?? 0) - before).toBe(3)
      for (const [file, bytes] of files) expect(sha(readFileSync(join(at.here.workspace, 'partners', 'acme', 'Inbox', file)))).toBe(sha(bytes))
      expect(await at.partner.offered.names()).toEqual([])
    })

    // Only this protocol permits several so far.
    if (name === 'SFTP at OpenSSH') it('use as many connections as the partner permits, and no more', async () => {
      expect((await at.here.run('partner', 'apply', at.here.file('three.json', JSON.stringify(at.partner.document({ maxConnections: 3 }))))).exit).toBe(0)
      const before = (await at.partner.signIns()) ?? 0
      await send(filesOf(30, 400_000))
      expect(((await at.partner.signIns()) ?? 0) - before).toBe(3)
    })
  },
  // FTPS takes several connections unless one is agreed.
  { connection: ({ name }) => ({ verify: 'size', ...(/FTPS/.test(name) ? { maxConnections: 1 } : {}) }) },
)
