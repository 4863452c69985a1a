/** Servers that are not who they should be: refused from the command line in both directions, with the cause and the remedy in words. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, selfSigned, type Identity } from '../servers/certificates.ts'
import { ftpsConnectionFor } from '../servers/ftps.ts'
import { findPeer, type Peer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { startVersitygw, versitygwPeer } from '../servers/versitygw.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const DAY = 86_400_000
const authority = newAuthority('Acme authority')
const IDENTITIES = {
  elsewhere: authority.issue({ names: ['files.elsewhere.example'] }),
  expired: authority.issue({ names: ['127.0.0.1'], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) }),
  own: selfSigned({ names: ['127.0.0.1'] }),
} as const
type Shown = keyof typeof IDENTITIES

/** What is wrong, what the server shows, how it is trusted, and what must be said about it. */
const CASES: readonly (readonly [id: string, shows: Shown, tls: Record<string, unknown>, code: string, says: RegExp])[] = [
  ['wrong-host', 'elsewhere', { trust: 'authority' }, 'tls.wrong_name', /files\.elsewhere\.example/],
  ['expired', 'expired', { trust: 'authority' }, 'tls.expired', /expired/i],
  ['self-signed', 'own', { trust: 'authority' }, 'tls.certificate_unknown', /certificate/i],
  ['unpinned', 'own', { trust: 'pinned', pins: [] }, 'tls.certificate_unknown', /certificate/i],
  ['wrong-pinned', 'own', { trust: 'pinned', pins: [`sha256:${'0'.repeat(64)}`] }, 'tls.certificate_changed', new RegExp(IDENTITIES.own.fingerprint.slice(7, 20), 'i')],
]

interface Impostor {
  connection(id: string, tls: Record<string, unknown>): Record<string, unknown>
  /** Everything that was written there. */
  written(): Promise<string[]>
  stop(): Promise<void>
}

async function ftpsImpostor(identity: Identity): Promise<Impostor> {
  const server = await startProftpd({ identity })
  return {
    connection: (id, tls) => ftpsConnectionFor(server, { id, tls, receive: { folder: server.folder, stableSeconds: 0, after: 'delete' } }),
    written: async () => await Promise.resolve(readdirSync(server.folder)),
    stop: async () => await server.stop(),
  }
}

async function s3Impostor(identity: Identity): Promise<Impostor> {
  const server = await startVersitygw({ tls: identity })
  const { accessKeyId, secretAccessKey } = server.owner
  return {
    connection: (id, tls) => ({ id, protocol: 's3', endpoint: server.endpoint, bucket: 'exchange', folder: 'in', credentials: { kind: 'static', accessKeyId, secretAccessKey }, tls, receive: { folder: 'out', stableSeconds: 0, after: 'delete' } }),
    written: async () => await Promise.resolve(readdirSync(server.buckets)),
    stop: async () => await server.stop(),
  }
}

const KINDS: readonly { readonly name: string; readonly peer: Peer; readonly open: (identity: Identity) => Promise<Impostor> }[] = [
  { name: 'FTPS at ProFTPD', peer: findPeer('proftpd'), open: ftpsImpostor },
  { name: 'S3 at Versity', peer: versitygwPeer(), open: s3Impostor },
]

describe.each(KINDS)('a server that is not who it should be: $name', ({ peer, open }) => {
  describe.skipIf(peer.absent)(`in both directions${peer.note}`, () => {
    const servers = new Map<Shown, Impostor>()
    let here: Installation
    beforeAll(async () => {
      for (const [shown, identity] of Object.entries(IDENTITIES)) servers.set(shown as Shown, await open(identity))
      here = newInstallation()
      await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: CASES.map(([id, shows, tls]) => servers.get(shows)?.connection(id, tls)) })
      const roles = CASES.filter(([, , { trust }]) => trust === 'authority').flatMap(([id]) => ['--partner', `acme/${id}`])
      const imported = await here.run('trust', 'import', here.file('authority.pem', authority.certificate), ...roles, '--role', 'tls-server', '--provenance', 'handed over in person')
      expect(imported.exit, imported.err).toBe(0)
    })
    afterAll(async () => {
      for (const server of servers.values()) await server.stop()
      here?.remove()
    })

    it.each(CASES)('%s: exit 4, nothing written, nothing released, and a text that says why and what to do', async (id, shows, _, code, says) => {
      const sent = await here.run('--json', 'send', `acme/${id}`, here.file(`${id}.edi`, id))
      expect([sent.exit, sent.json<{ results: { delivery: { state: string; error: { code: string } } }[] }>().results[0]?.delivery]).toMatchObject([4, { state: 'failed', error: { code } }])
      const received = await here.run('--json', 'receive', `acme/${id}`)
      expect([received.exit, received.json<{ error: { code: string } }>().error.code]).toEqual([4, code])
      for (const { err } of [sent, received]) {
        expect(err).toContain('What to do')
        expect(err).toMatch(says)
      }
      expect(await servers.get(shows)?.written()).toEqual([])
      expect(existsSync(join(here.workspace, 'partners', 'acme', 'Inbox'))).toBe(false)
    })
  })
})
