/** Who is let in, and what never leaves when somebody is not; and many files on one sign-in. At real servers. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, selfSigned, type Authority } from '../../../../e2e/servers/certificates.ts'
import type { FtpsServer } from '../../../../e2e/servers/ftps.ts'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startProftpd } from '../../../../e2e/servers/proftpd.ts'
import { startHttpProxy, startSocksProxy } from '../../../../e2e/servers/proxies.ts'
import { startVsftpd, vsftpdPeer } from '../../../../e2e/servers/vsftpd.ts'
import { FtpsConnection } from '../../../contract/connections/ftps.ts'
import { ERRORS, type ErrorCode } from '../../../contract/errors/index.ts'
import type { Exception } from '../../../contract/policy.ts'
import { AppError } from '../../kernel/errors.ts'
import { judge, lineChecks } from '../../policy/checks.ts'
import { effectivePolicy } from '../../policy/effective.ts'
import type { FileSession, LinePolicy, TlsTrust } from '../file-protocol.ts'
import { ftps } from './index.ts'
import type { FtpsEndpoint } from './connect.ts'

const DAY = 86_400_000
const never = (): AbortSignal => new AbortController().signal

function endpoint(server: FtpsServer, tls: Partial<TlsTrust> & { readonly settings?: object }, change: object = {}): FtpsEndpoint {
  const { settings = {}, ...trust } = tls
  return {
    settings: FtpsConnection.parse({ protocol: 'ftps', mode: server.mode, host: '127.0.0.1', port: server.port, username: server.username, password: 'sealed', folder: server.folder, tls: settings, ...change }),
    folder: server.folder,
    secrets: { password: server.password },
    pins: [],
    tls: { pins: [], authorities: [], client: null, ...trust },
    tolerated: [],
  }
}

const pinned = (fingerprint: string): Partial<TlsTrust> & { settings: object } => ({ settings: { trust: 'pinned' }, pins: [{ item: 'ti_1', fingerprint, certificate: null }] })

async function* once(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(content)
}
const put = async (session: FileSession, name: string, content: Uint8Array): Promise<void> => await session.write(name, once(content), { offset: 0, signal: never(), onAcknowledged: () => undefined })

const servers = [
  { name: 'vsftpd', peer: vsftpdPeer(), start: startVsftpd, signedIn: /OK LOGIN/g, onlyOne: 'max_clients=1' },
  { name: 'ProFTPD', peer: findPeer('proftpd'), start: startProftpd, signedIn: /"PASS \(hidden\)" 230/g, onlyOne: 'MaxClientsPerUser 1' },
] as const

describe.each(servers)('FTPS at $name', ({ name, peer, start, signedIn, onlyOne }) => {
  describe.skipIf(peer.absent)(`who is let in${peer.note}`, () => {
    let authority: Authority
    let good: FtpsServer
    beforeAll(async () => {
      authority = newAuthority()
      good = await start({ identity: authority.issue({ names: ['127.0.0.1'] }) })
    })
    afterAll(async () => await good?.stop())

    const refused = async (server: FtpsServer, trust: Parameters<typeof endpoint>[1], code: ErrorCode): Promise<void> => {
      const before = (await server.finalLog()).length
      await expect(ftps.connect(endpoint(server, trust), never())).rejects.toMatchObject({ code })
      expect(ERRORS[code]).toMatchObject({ exit: 4, retry: 'never' })
      expect(readdirSync(server.folder)).toEqual([])
      // Neither the user name nor the password was said.
      expect((await server.finalLog()).slice(before)).not.toMatch(/USER|PASS |LOGIN|Login/)
    }

    it('tells that the server takes no more connections from a wrong password', async () => {
      const server = await start({ config: [onlyOne] })
      try {
        const there = endpoint(server, pinned(server.identity.fingerprint))
        const session = await ftps.connect(there, never())
        await expect(ftps.connect(there, never())).rejects.toMatchObject({ code: 'ftps.busy' })
        await session.close()
      } finally {
        await server.stop()
      }
    })

    it('opens for a bound authority and the right address', async () => {
      const session = await ftps.connect(endpoint(good, { authorities: [authority.certificate] }), never())
      expect(session.observed).toMatchObject({ serverCertificate: good.identity.fingerprint, dataProtection: 'PROT P' })
      await session.close()
    })

    it.each([['http', startHttpProxy], ['socks5', startSocksProxy]] as const)('goes through a proxy of the kind %s, data connections too, and never past it', async (kind, startProxy) => {
      const proxy = await startProxy({ username: 'us', password: 'secret' })
      try {
        const way = { proxy: { kind, host: '127.0.0.1', port: proxy.port, username: 'us', password: 'sealed' } }
        const behind = (proxyPassword: string): FtpsEndpoint => {
          const one = endpoint(good, { authorities: [authority.certificate] }, way)
          return { ...one, secrets: { ...one.secrets, proxyPassword } }
        }
        const session = await ftps.connect(behind('secret'), never())
        expect(session.observed).toMatchObject({ proxy: `${kind} 127.0.0.1:${proxy.port}`, serverCertificate: good.identity.fingerprint })
        const content = randomBytes(300_000)
        await put(session, 'through.bin', content)
        expect(readFileSync(join(good.folder, 'through.bin')).equals(content)).toBe(true)
        expect(await session.list()).toHaveLength(1)
        await session.remove('through.bin')
        await session.close()
        const asked = proxy.asked.filter((target) => target !== '')
        expect(asked[0]).toBe(`127.0.0.1:${good.port}`)
        expect(asked.length).toBeGreaterThanOrEqual(3)
        await expect(ftps.connect(behind('wrong'), never())).rejects.toMatchObject({ code: 'net.proxy_auth_refused' })
      } finally {
        await proxy.stop()
      }
    })

    it('refuses an unknown authority, a wrong pin, a missing pin and another name', async () => {
      await refused(good, { authorities: [newAuthority().certificate] }, 'tls.certificate_unknown')
      await refused(good, {}, 'tls.certificate_unknown')
      await refused(good, { settings: { trust: 'pinned' } }, 'tls.certificate_unknown')
      await refused(good, pinned(`sha256:${'0'.repeat(64)}`), 'tls.certificate_changed')
      await refused(good, { authorities: [authority.certificate], settings: { serverName: 'ftp.partner.example' } }, 'tls.wrong_name')
    })

    it('is held to the policy before anybody signs in', async () => {
      const trust = { authorities: [authority.certificate] }
      const policy = effectivePolicy({ roles: { 'tls-server': { rsaBits: 3072 } } })
      const line = (exceptions: readonly Exception[]): LinePolicy => ({ permit: (observed) => judge(lineChecks(observed, policy), exceptions).breaches.forEach(({ rule }) => { throw new AppError('policy.refused', rule) }) })
      const before = (await good.finalLog()).length
      await expect(ftps.connect({ ...endpoint(good, trust), line: line([]) }, never())).rejects.toMatchObject({ code: 'policy.refused', message: 'tls-server-key' })
      expect((await good.finalLog()).slice(before)).not.toMatch(/USER|PASS |LOGIN|Login/)
      const session = await ftps.connect({ ...endpoint(good, trust), line: line([{ allow: 'rsa-2048', reason: 'their renewal', owner: 'M. Ito', until: '2999-01-01' }]) }, never())
      expect(session.observed['serverKey']).toBe('RSA 2048')
      await put(session, 'under-exception.edi', randomBytes(10))
      await session.remove('under-exception.edi')
      await session.close()
      const strict = await ftps.connect({ ...endpoint(good, trust), line: { tls: { minimum: '1.3', forwardSecrecy: true }, permit: () => undefined } }, never())
      expect(strict.observed['tlsVersion']).toBe('TLSv1.3')
      await strict.close()
    })

    it('refuses what has expired and what vouches only for itself', async () => {
      for (const [identity, code] of [
        [authority.issue({ names: ['127.0.0.1'], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) }), 'tls.expired'],
        [selfSigned({ names: ['127.0.0.1'] }), 'tls.certificate_unknown'],
      ] as const) {
        const server = await start({ identity })
        try {
          await refused(server, { authorities: [authority.certificate] }, code)
        } finally {
          await server.stop()
        }
      }
    })

    it('shows its client certificate where the server asks for one, and says so where it has none', async () => {
      const clients = newAuthority('Clients')
      const server = await start({ identity: authority.issue({ names: ['127.0.0.1'] }), clientAuthority: clients.certificate })
      try {
        const ours = clients.issue({ names: ['waybill'], purpose: 'client' })
        const client = { item: 'ti_2', certificate: ours.certificate, privateKey: ours.privateKey }
        const session = await ftps.connect(endpoint(server, { authorities: [authority.certificate], client }), never())
        await put(session, 'with-certificate.txt', Buffer.from('x'))
        expect(session.observed).toMatchObject({ clientCertificate: ours.fingerprint, authMethod: 'password and certificate' })
        await session.close()
        await expect(ftps.connect(endpoint(server, { authorities: [authority.certificate] }), never())).rejects.toMatchObject({ code: expect.stringMatching(/^tls\.(client_certificate_needed|handshake_failed|algorithms_refused)$/) as string })
      } finally {
        await server.stop()
      }
    })

    it('calls a wrong password by its name', async () => {
      const wrong = endpoint(good, { authorities: [authority.certificate] })
      await expect(ftps.connect({ ...wrong, secrets: { password: 'wrong' } }, never())).rejects.toMatchObject({ code: 'remote.auth_refused' })
    })
  })

  describe.skipIf(peer.absent)(`at work${peer.note}`, () => {
    let server: FtpsServer
    beforeAll(async () => {
      server = await start()
    })
    afterAll(async () => await server?.stop())
    const open = async (change: object = {}): Promise<FileSession> => await ftps.connect(endpoint(server, pinned(server.identity.fingerprint), change), never())

    it('puts 1,000 files of 10 KB on one sign-in, every data connection resumed', async () => {
      const before = (await server.finalLog()).match(signedIn)?.length ?? 0
      mkdirSync(join(server.folder, 'many'))
      const one = endpoint(server, pinned(server.identity.fingerprint))
      const session = await ftps.connect({ ...one, folder: join(server.folder, 'many') }, never())
      const content = randomBytes(10_000)
      for (let count = 0; count < 1_000; count++) await put(session, `${count}.edi`, content)
      expect(session.observed['dataSession']).toBe('resumed from the control connection')
      expect(await session.list()).toHaveLength(1_000)
      await session.close()
      expect(readdirSync(join(server.folder, 'many')).every((name) => readFileSync(join(server.folder, 'many', name)).equals(content))).toBe(true)
      expect(((await server.finalLog()).match(signedIn)?.length ?? 0) - before).toBe(1)
    })

    it('works by PASV where that is asked for', async () => {
      const session = await open({ passive: 'pasv' })
      await put(session, 'passive.txt', Buffer.from('by PASV'))
      expect(readFileSync(join(server.folder, 'passive.txt'), 'utf8')).toBe('by PASV')
      await session.close()
    })

    it('gives a file its name in another folder, never over one that is there, and misses a folder by name', async () => {
      mkdirSync(join(server.folder, 'done'))
      writeFileSync(join(server.folder, 'done', 'taken.txt'), 'theirs')
      const session = await open()
      await put(session, 'moving.txt', Buffer.from('ours'))
      await expect(session.rename('moving.txt', 'taken.txt', join(server.folder, 'done'))).rejects.toMatchObject({ code: 'remote.name_taken' })
      await expect(session.rename('moving.txt', 'moved.txt', join(server.folder, 'absent'))).rejects.toMatchObject({ code: 'remote.folder_missing' })
      await session.rename('moving.txt', 'moved.txt', join(server.folder, 'done'))
      expect(readFileSync(join(server.folder, 'done', 'moved.txt'), 'utf8')).toBe('ours')
      expect(readFileSync(join(server.folder, 'done', 'taken.txt'), 'utf8')).toBe('theirs')
      // And it is still in its own folder.
      expect((await session.list()).map(({ name }) => name)).toContain('done')
      expect(await session.stat('done')).toMatchObject({ kind: 'folder' })
      await expect(session.rename('nothing.txt', 'something.txt')).rejects.toMatchObject({ code: 'remote.not_found' })
      await session.close()
    })

    it('says that the folder of the connection is missing', async () => {
      const one = endpoint(server, pinned(server.identity.fingerprint))
      await expect(ftps.connect({ ...one, folder: '/nowhere/at/all' }, never())).rejects.toMatchObject({ code: 'remote.folder_missing' })
    })

    it('holds a file back under its temporary name and publishes it', async () => {
      const session = await open()
      const file = { temporaryName: '.staged.part', finalName: 'published.txt', content: () => once(Buffer.from('whole')) }
      await session.staging.write(file, once(Buffer.from('whole')), { offset: 0, signal: never(), onAcknowledged: () => undefined })
      expect(await session.staging.find(file)).toMatchObject({ size: 5 })
      await session.staging.publish(file)
      expect(await session.staging.find(file)).toBeNull()
      expect(readFileSync(join(server.folder, 'published.txt'), 'utf8')).toBe('whole')
      await session.close()
    })

    it('goes on after a transfer that was broken off, and after a read that was not finished', async () => {
      const session = await open()
      const stop = new AbortController()
      async function* endless(): AsyncIterable<Uint8Array> {
        for (let count = 0; count < 1_000; count++) {
          if (count === 20) stop.abort(new Error('enough'))
          yield await Promise.resolve(Buffer.alloc(64 * 1024))
        }
      }
      await expect(session.write('broken-off.part', endless(), { offset: 0, signal: stop.signal, onAcknowledged: () => undefined })).rejects.toThrow('enough')
      await put(session, 'large.bin', randomBytes(4_000_000))
      for await (const part of session.read('large.bin', { offset: 0, signal: never() })) if (part.length > 0) break
      // ProFTPD now and then ends the whole session when the line breaks while it writes: then it is said, and the next one goes on.
      const after = await session.stat('large.bin').then(() => session, async (error: unknown) => {
        if (name !== 'ProFTPD') throw error
        expect(error).toMatchObject({ code: 'net.connection_lost' })
        return await open()
      })
      expect(await after.stat('large.bin')).toMatchObject({ size: 4_000_000 })
      expect(await after.remove('broken-off.part')).toBe(true)
      await after.close()
    })

    it('passes its connection test and leaves nothing behind', async () => {
      const before = readdirSync(server.folder).sort()
      const result = await ftps.test(endpoint(server, pinned(server.identity.fingerprint)), () => undefined, never())
      expect(result.stages.map(({ name, status }) => `${name} ${status}`)).toEqual(['resolve ok', 'connect ok', 'certificate ok', 'authenticate ok', 'list ok', 'write-probe ok', 'clean-up ok'])
      expect(result.certificate).toMatchObject({ verdict: 'trusted', fingerprint: server.identity.fingerprint })
      expect(readdirSync(server.folder).sort()).toEqual(before)
    })
  })
})
