import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newAuthority } from '../servers/certificates.ts'
import { ftpsConnectionFor, type FtpsServer } from '../servers/ftps.ts'
import { findPeer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { startVsftpd, vsftpdPeer } from '../servers/vsftpd.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'
import { sha } from './killing.ts'

interface SendResults {
  results: { delivery: { id: string; state: string; sha256: string; receipt: { kind: string; verifiedBy: string; remotePath: string } | null; error: { code: string; details?: Record<string, string> } | null } | null }[]
}

interface Report {
  stages: { name: string; status: string; error: { code: string } | null }[]
  certificate: { fingerprint: string; publicKeyPin: string; verdict: string } | null
}

const partner = (server: FtpsServer, change: Readonly<Record<string, unknown>> = {}): unknown => ({ id: 'acme', name: 'Acme GmbH', connections: [ftpsConnectionFor(server, change)] })

const servers = [
  { name: 'vsftpd, explicit', peer: vsftpdPeer(), start: startVsftpd, mode: 'explicit', verifiedBy: 'size' },
  { name: 'ProFTPD, implicit', peer: findPeer('proftpd'), start: startProftpd, mode: 'implicit', verifiedBy: 'hash' },
] as const

describe.each(servers)('FTPS from the command line to $name', ({ peer, start, mode, verifiedBy }) => {
  describe.skipIf(peer.absent)(`a partner${peer.note}`, () => {
    let server: FtpsServer
    let here: Installation

    beforeAll(async () => {
      server = await start({ mode })
    })
    afterAll(async () => await server?.stop())
    beforeEach(async () => {
      here = newInstallation()
      for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true })
      await setUp(here, partner(server))
    })
    afterEach(() => here.remove())

    const apply = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
      const done = await here.run('partner', 'apply', here.file('changed.json', JSON.stringify(partner(server, change))))
      expect(done.exit, done.err).toBe(0)
    }

    it('gets the same bytes, with a receipt and what was negotiated, after a connection test that leaves nothing', async () => {
      const test = await here.run('--json', 'connection', 'test', 'acme/ftps')
      expect(test.exit, test.out + test.err).toBe(0)
      expect(test.json<Report>().stages.map(({ name, status }) => `${name} ${status}`)).toEqual(['resolve ok', 'connect ok', 'certificate ok', 'authenticate ok', 'list ok', 'write-probe ok', 'clean-up ok'])
      expect(readdirSync(server.folder)).toEqual([])

      const content = randomBytes(300_000)
      const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', content))
      expect(sent.exit, sent.err).toBe(0)
      const delivery = sent.json<SendResults>().results[0]?.delivery
      expect(delivery).toMatchObject({ state: 'delivered', sha256: sha(content), receipt: { kind: 'ftps', verifiedBy, remotePath: join(server.folder, 'orders.edi') } })
      expect(sha(readFileSync(join(server.folder, 'orders.edi')))).toBe(sha(content))
      const trace = (await here.run('--json', 'audit', 'trace', 'orders.edi')).json<{ deliveries: { attempts: { observed: Record<string, string> }[] }[] }>()
      expect(trace.deliveries[0]?.attempts[0]?.observed).toMatchObject({ tlsVersion: expect.stringMatching(/^TLSv1\.[23]$/) as string, cipher: expect.stringMatching(/^TLS_/) as string, serverCertificate: server.identity.fingerprint, dataProtection: 'PROT P', mode })
    })

    it('refuses another certificate with exit 4, shows both, and writes nothing', async () => {
      await apply({ tls: { trust: 'pinned', pins: [`sha256:${'0'.repeat(64)}`] } })
      const sent = await here.run('--json', 'send', 'acme', here.file('orders.edi', 'x'))
      expect(sent.exit).toBe(4)
      expect(sent.json<SendResults>().results[0]?.delivery).toMatchObject({ state: 'failed', error: { code: 'tls.certificate_changed', details: { expected: `sha256:${'0'.repeat(64)}`, presented: server.identity.fingerprint } } })
      expect(sent.err).toContain('What to do')
      expect(readdirSync(server.folder)).toEqual([])
    })

    it('trusts a certificate only by an explicit act, and only the one that was compared', async () => {
      await apply({ tls: { trust: 'pinned', pins: [] } })
      const test = await here.run('--json', 'connection', 'test', 'acme')
      expect(test.exit).toBe(4)
      expect(test.json<Report>().certificate).toMatchObject({ fingerprint: server.identity.fingerprint, verdict: 'unknown' })
      const pin = async (fingerprint: string): Promise<{ exit: number | null; err: string }> => await here.run('trust', 'pin', 'acme/ftps', '--fingerprint', fingerprint, '--provenance', 'read by phone by Ms Ito', '--source', 'phone')
      expect((await pin(`sha256:${'1'.repeat(64)}`)).exit).toBe(4)
      expect((await here.run('send', 'acme', here.file('a.edi', 'x'))).exit).toBe(4)
      // As people write it down.
      const told = server.identity.fingerprint.slice(7).toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')
      const pinned = await pin(`sha256:${told}`)
      expect(pinned.exit, pinned.err).toBe(0)
      expect((await here.run('send', 'acme', join(here.files, 'a.edi'))).exit).toBe(0)
      const { items } = (await here.run('--json', 'trust', 'list', '--partner', 'acme')).json<{ items: { kind: string; fingerprint: string; provenance: { note?: string; compared?: string }[] }[] }>()
      expect(items.find(({ fingerprint }) => fingerprint === server.identity.fingerprint)?.provenance.some(({ note, compared }) => note?.includes('Ms Ito') && compared === server.identity.fingerprint)).toBe(true)
      // The public key alone, for partners who renew.
      await apply({ tls: { trust: 'pinned', pins: [] } })
      expect((await pin(server.identity.publicKeyPin)).exit).toBe(0)
      expect((await here.run('send', 'acme', here.file('b.edi', 'y'))).exit).toBe(0)
    })

    it('asks for an authority where authorities are trusted, and takes the partner\'s own', async () => {
      const authority = newAuthority('Acme authority')
      const other = await start({ mode, identity: authority.issue({ names: ['127.0.0.1'] }) })
      try {
        const document = { id: 'acme', name: 'Acme GmbH', connections: [ftpsConnectionFor(other, { tls: { trust: 'authority', pins: [] } })] }
        expect((await here.run('partner', 'apply', here.file('authority.json', JSON.stringify(document)))).exit).toBe(0)
        const refused = await here.run('--json', 'send', 'acme', here.file('a.edi', 'x'))
        expect([refused.exit, refused.json<SendResults>().results[0]?.delivery?.error?.code]).toEqual([4, 'tls.certificate_unknown'])
        expect(readdirSync(other.folder)).toEqual([])
        const imported = await here.run('trust', 'import', here.file('acme-ca.pem', authority.certificate), '--partner', 'acme/ftps', '--role', 'tls-server', '--provenance', 'handed over in person')
        expect(imported.exit, imported.err).toBe(0)
        const sent = await here.run('send', 'acme', here.file('b.edi', 'y'))
        expect(sent.exit, sent.err).toBe(0)
      } finally {
        await other.stop()
      }
    })
  })
})
