import { createServer as createHttps } from 'node:https'
import { createServer } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import ssh2 from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startProftpd } from '../../../../e2e/servers/proftpd.ts'
import type { FtpsServer } from '../../../../e2e/servers/ftps.ts'
import { generateSelfSigned } from '../../crypto/x509/index.ts'
import { buildMdn } from '../../protocols/as2/message/index.ts'
import { startSftpServer, type SftpServer } from '../../../practice/sftp-server.ts'
import { context } from '../../messages/conformance/station.ts'
import { as2Over, over, sftp } from './cases.ts'
import { newCompany, TOOLS, type Company } from './company.ts'

/** Partners' servers that are weak, old, or became so: observed at real deliveries. */
describe.skipIf(TOOLS.absent)(`what servers show${TOOLS.note}`, () => {
  let company: Company
  const open: (() => unknown)[] = []

  beforeAll(async () => {
    company = await newCompany()
  })
  afterAll(async () => await company?.close())
  afterEach(async () => {
    for (const close of open.splice(0)) await close()
  })

  const codes = async (partner: string): Promise<string[]> => (await company.findings({ partner })).map(({ code }) => code)
  const certificateOf = (name: string): SecureContextOptions => ({ cert: company.tools.read(`${name}.crt`), key: company.tools.read(`${name}.key`) })

  describe('over TLS', () => {
    /** Takes what is posted, and shows whichever certificate it is told to. */
    const serve = async (options: SecureContextOptions): Promise<{ port: number; change(to: SecureContextOptions): void }> => {
      const server = createHttps(options, (request, response) => void request.resume().on('end', () => response.writeHead(204, { Connection: 'close' }).end()))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))))
      return { port: (server.address() as AddressInfo).port, change: (to) => server.setSecureContext(to) }
    }
    const authority = (name: string): string => company.certificate(name, { extensions: ['basicConstraints=critical,CA:TRUE'] })
    const site = (name: string, by: string, key: 'ec' | 'rsa:2048' = 'ec'): string => company.certificate(name, { by, key, extensions: ['subjectAltName=IP:127.0.0.1', 'extendedKeyUsage=serverAuth'] })
    let serial = 0
    const partner = async (id: string, port: number, authorities: readonly string[], more: Record<string, unknown> = {}): Promise<void> => {
      company.apply({ ...as2Over(`TLS${++serial}`, { url: `https://127.0.0.1:${port}/`, message: { sign: false, encrypt: false }, receipt: { request: 'none' } }, more), id })
      for (const file of authorities) await company.bring(file, ['tls-server'], { partner: id }, { kind: 'ca' })
    }

    it('is a renewal by the same authority, then one by another, and TLS 1.3 all the time', async () => {
      const authorities = [authority('ca-one'), authority('ca-two')]
      site('first', 'ca-one')
      site('renewed', 'ca-one')
      site('moved', 'ca-two')
      const server = await serve(certificateOf('first'))
      await partner('tls', server.port, authorities)
      company.setDay(0)
      await company.send('tls', 'one.edi')
      company.setDay(29)
      await company.send('tls', 'two.edi')
      for (const code of ['tls_certificate_renewed', 'tls_issuer_changed', 'tls_minimum_low']) expect(await codes('tls')).not.toContain(code)
      server.change(certificateOf('renewed'))
      company.setDay(35)
      await company.send('tls', 'three.edi')
      expect(await codes('tls')).toEqual(expect.arrayContaining(['tls_certificate_renewed', 'tls_minimum_low']))
      expect(await codes('tls')).not.toContain('tls_issuer_changed')
      server.change(certificateOf('moved'))
      company.setDay(40)
      await company.send('tls', 'four.edi')
      expect(await codes('tls')).toContain('tls_issuer_changed')
    })

    it('is a suite without forward secrecy, which an exception lets in', async () => {
      const authorities = [authority('ca-weak')]
      site('weak-site', 'ca-weak', 'rsa:2048')
      for (const [id, ciphers] of [['suite.good', 'ECDHE-RSA-AES256-GCM-SHA384'], ['suite.weak', 'AES256-GCM-SHA384']] as const) {
        const server = await serve({ ...certificateOf('weak-site'), ciphers, maxVersion: 'TLSv1.2' })
        await partner(id, server.port, authorities, { exceptions: [{ allow: 'tls-static-keys', reason: 'until autumn', owner: 'Ms Ito', until: '2099-12-31' }] })
        await company.send(id, `${id}.edi`)
      }
      expect(await codes('suite.good')).not.toContain('observed_weak_tls')
      expect(await codes('suite.weak')).toContain('observed_weak_tls')
    })
  })

  describe('over SSH', () => {
    const serve = async (id: string, software: string, hostKey: string): Promise<SftpServer> => {
      const server = await startSftpServer({ hostKey: readFileSync(join(company.folder, hostKey), 'utf8'), folder: company.place(id), account: { username: 'us', password: 'secret' }, software })
      open.push(() => server.close())
      return server
    }
    const partner = (id: string, port: number, hostKeys: readonly string[], change: Record<string, unknown> = {}): void =>
      company.apply({ ...over(sftp({ host: '127.0.0.1', port, auth: { method: 'password', password: 'secret' }, hostKeys: hostKeys.map((key) => ({ key, provenance: { source: 'phone', person: 'Ms Ito' } })), ...change })), id })

    /** Lets through to any server; counts what passed. */
    const jumpHost = async (hostKey: string): Promise<{ readonly port: number; passed(): number }> => {
      let passed = 0
      const connections = new Set<ssh2.Connection>()
      const server = new ssh2.Server({ hostKeys: [readFileSync(join(company.folder, hostKey), 'utf8')] }, (connection) => {
        connections.add(connection)
        // Otherwise each answer waits for a delayed acknowledgement: 40 ms a step.
        connection.setNoDelay(true)
        connection.on('error', () => undefined)
        connection.on('authentication', (asked) => (asked.method === 'password' && asked.password === 'secret' ? asked.accept() : asked.reject(['password'])))
        connection.on('tcpip', (accept, _, { destIP, destPort }) => {
          passed += 1
          const [channel, line] = [accept(), connect(destPort, destIP)]
          line.setNoDelay(true)
          for (const one of [channel, line]) one.on('error', () => undefined)
          channel.pipe(line).pipe(channel)
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise<void>((resolve) => {
        for (const connection of connections) connection.end()
        server.close(() => resolve())
      }))
      return { port: (server.address() as AddressInfo).port, passed: () => passed }
    }

    it('is a server of long ago', async () => {
      const key = company.sshKey('server-old')
      for (const [id, software] of [['ssh.old', 'OpenSSH_7.4'], ['ssh.newer', 'OpenSSH_7.5']] as const) {
        const { port } = await serve(id, software, 'server-old')
        partner(id, port, [key])
        await company.send(id, `${id}.edi`)
      }
      expect(await codes('ssh.old')).toContain('server_outdated')
      expect(await codes('ssh.newer')).not.toContain('server_outdated')
    })

    it('is a way that leads past the jump host that is agreed', async () => {
      const key = company.sshKey('server-way')
      const { port } = await serve('ssh.way', 'OpenSSH_9.9', 'server-way')
      const gate = await jumpHost('server-way')
      // The computer's clock ran half a day ahead when the file went, and was set right before the jump host was agreed:
      // by a right clock each delivery after an agreement goes by it.
      company.setDay(41)
      partner('ssh.way', port, [key])
      await company.send('ssh.way', 'one.edi')
      company.setDay(40.5)
      expect(await codes('ssh.way')).not.toContain('jump_host_unseen')
      partner('ssh.way', port, [key], { jump: { host: '127.0.0.1', port: gate.port, username: 'us', auth: { method: 'password', password: 'secret' }, hostKeys: [{ key, provenance: { source: 'phone', person: 'Ms Ito' } }] } })
      expect(await codes('ssh.way')).toContain('jump_host_unseen')
      expect(gate.passed()).toBe(0)
      company.setDay(42)
      await company.send('ssh.way', 'two.edi')
      expect(gate.passed()).toBe(1)
      expect(await codes('ssh.way')).not.toContain('jump_host_unseen')
    })

    it('is a host key that was given up, shown again: refused, and told as such', async () => {
      const [before, after] = [company.sshKey('server-before'), company.sshKey('server-after')]
      const first = await serve('ssh.back', 'OpenSSH_9.9', 'server-before')
      partner('ssh.back', first.port, [before])
      await company.send('ssh.back', 'one.edi')
      const second = await serve('ssh.back', 'OpenSSH_9.9', 'server-after')
      partner('ssh.back', second.port, [after])
      const old = (await company.handlers().trust.list({ limit: 1000, partner: 'ssh.back' }, context)).items.find(({ publicKey }) => publicKey !== null && before.startsWith(publicKey.split(' ').slice(0, 2).join(' ')))
      for (const { id, activeUntil } of old?.bindings ?? []) if (activeUntil === null) await company.handlers().trust.unbind({ binding: id }, context)
      await company.handlers().trust.retire({ id: old?.id ?? '' }, context)
      await company.send('ssh.back', 'two.edi')
      expect(await codes('ssh.back')).not.toContain('retired_still_seen')
      partner('ssh.back', first.port, [after])
      await company.send('ssh.back', 'three.edi')
      expect(await codes('ssh.back')).toEqual(expect.arrayContaining(['retired_still_seen', 'identity_refused']))
    })
  })

  describe('in OpenPGP', () => {
    it('is a cipher or a hash of long ago, which an exception lets in', async () => {
      const gpg = company.gpg()
      const key = (name: string): string => gpg.generate(`Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign,encrypt\nName-Real: ${name}\nName-Email: ${name}@example.com\nExpire-Date: 0`)
      const [ours, theirs] = [key('us'), key('them')]
      const secret = company.tools.write('us.asc', gpg.run(['--armor', '--export-secret-keys', ours]))
      const known = company.tools.write('them.asc', gpg.run(['--armor', '--export', theirs]))
      for (const [id, options] of [['pgp.good', ['--cipher-algo', 'AES256', '--digest-algo', 'SHA256']], ['pgp.weak', ['--cipher-algo', '3DES', '--digest-algo', 'SHA1', '--allow-weak-digest-algos']]] as const) {
        company.apply({ ...over({ protocol: 'folder', path: company.place(id), receive: { stableSeconds: 0 }, pgp: { inbound: 'open' } }), id, exceptions: ['pgp-legacy', 'pgp-sha1'].map((allow) => ({ allow, reason: 'until autumn', owner: 'Ms Ito', until: '2099-12-31' })) })
        await company.bring(secret, ['pgp-decrypt'], { partner: id })
        await company.bring(known, ['pgp-verify'], { partner: id })
        writeFileSync(join(company.folder, id, 'in.edi.pgp'), gpg.run(['--sign', '--encrypt', '-u', theirs, '-r', ours, ...options], id))
        const { taken, problems } = await company.handlers().deliveries.receive({ partner: id }, context)
        expect(taken.length, JSON.stringify(problems)).toBe(1)
      }
      expect(await codes('pgp.good')).not.toContain('observed_weak_pgp')
      expect(await codes('pgp.weak')).toContain('observed_weak_pgp')
    })
  })

  describe('in receipts', () => {
    it('is one that proves another content', async () => {
      const partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
      const server = createServer((request, response) => void request.resume().on('end', () => response.writeHead(204).end()))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))))
      const url = await company.station.listen()
      company.apply({ ...as2Over('PARTNER', { id: 'as2', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, receipt: { mode: 'async', url } }), id: 'mic' })
      company.station.bind({ certificate: partner.certificate }, ['verify', 'encrypt'], { partner: 'mic', connection: 'as2' })
      const give = async (name: string, isRight: boolean): Promise<string> => {
        const delivery = await company.send('mic', name)
        const { message } = await company.handlers().as2.message({ delivery }, context)
        const value = isRight ? (message?.mics[0]?.value ?? '') : Buffer.alloc(32).toString('base64')
        const built = buildMdn({ as2From: 'PARTNER', as2To: 'US', disposition: { kind: 'processed' }, originalMessageId: message?.messageId ?? '', mic: { algorithm: 'sha256', value }, sign: { signer: partner } })
        await fetch(url, { method: 'POST', headers: Object.fromEntries(built.headers.filter(([header]) => header !== 'Content-Length')), body: new Uint8Array(Buffer.from(built.body)) })
        return (await company.handlers().deliveries.show({ id: delivery }, context)).delivery.state
      }
      expect(await give('right.edi', true)).toBe('delivered')
      expect(await codes('mic')).not.toContain('disputed_resting')
      expect(await give('wrong.edi', false)).toBe('disputed')
      expect(await codes('mic')).toContain('disputed_resting')
    })
  })

  const proftpd = findPeer('proftpd')
  describe.skipIf(proftpd.absent)(`over FTPS${proftpd.note}`, () => {
    it('is a data connection that proves nothing of the control connection', async () => {
      const start = async (id: string, options: Parameters<typeof startProftpd>[0]): Promise<FtpsServer> => {
        const server = await startProftpd(options)
        open.push(() => server.stop())
        company.apply({ ...over({ protocol: 'ftps', host: '127.0.0.1', port: server.port, username: server.username, password: server.password, tls: { trust: 'pinned', pins: [{ certificate: server.identity.certificate, provenance: { source: 'phone', person: 'Ms Ito' } }] } }), id })
        await company.send(id, `${id}.edi`)
        return server
      }
      await start('ftps.resumed', {})
      await start('ftps.anew', { tls: '1.2', config: ['TLSOptions NoSessionReuseRequired', 'TLSSessionTickets off', 'TLSSessionCache off'] })
      expect(await codes('ftps.resumed')).not.toContain('ftps_session_anew')
      expect(await codes('ftps.anew')).toContain('ftps_session_anew')
    })
  })
})
