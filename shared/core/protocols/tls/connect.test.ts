import { once } from 'node:events'
import { createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { connect as connectPlain } from 'node:net'
import { createServer, TLSSocket, type TlsOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, selfSigned, type Authority, type Identity } from '../../../../e2e/servers/certificates.ts'
import { startHttpProxy, startSocksProxy } from '../../../../e2e/servers/proxies.ts'
import { TlsSettings } from '../../../contract/connections/common.ts'
import { ERRORS } from '../../../contract/errors/index.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { TlsTrust } from '../file-protocol.ts'
import { connectTls, createTlsPolicy, type TlsConnection, type TlsConnectOptions } from './connect.ts'

const DAY = 86_400_000
const HOST = 'localhost'

let authority: Authority
let trusted: Identity
beforeAll(() => {
  authority = newAuthority()
  trusted = authority.issue({ names: [HOST, '127.0.0.1'] })
})

interface Peer {
  readonly port: number
  /** What clients said after the handshake. */
  heard(): string
}
const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})
afterAll(() => {
  for (const server of servers) server.close()
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', (socket: Socket) => void sockets.push(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

async function serve(identity: Identity, more: TlsOptions = {}): Promise<Peer> {
  let heard = ''
  const server = createServer({ cert: identity.certificate, key: identity.privateKey, ...more }, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => (heard += data.toString()))
    socket.write('hello')
  })
  server.on('tlsClientError', () => undefined)
  return { port: await listen(server), heard: () => heard }
}

interface Choice {
  readonly settings?: Partial<TlsSettings>
  readonly trust?: Partial<TlsTrust>
  readonly host?: string
  readonly now?: number
  readonly options?: Partial<TlsConnectOptions>
}

async function open(port: number, { settings = {}, trust = {}, host = HOST, now, options = {} }: Choice = {}): Promise<TlsConnection> {
  const policy = createTlsPolicy(TlsSettings.parse(settings), { pins: [], authorities: [authority.certificate], client: null, ...trust }, { clock: now === undefined ? systemClock : { ...systemClock, now: () => now } })
  const connection = await connectTls(policy, { host, port, timeoutMs: 5_000, signal: new AbortController().signal, ...options, socket: options.socket ?? (host === HOST ? undefined : await plain(port)) })
  sockets.push(connection.socket)
  return connection
}

/** A line to the server under whatever name the test gives it. */
async function plain(port: number): Promise<Socket> {
  const socket = connectPlain(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

const pin = (fingerprint: string): TlsTrust['pins'][number] => ({ item: 'ti_1', fingerprint, certificate: null })

async function refused(port: number, choice: Choice, code: AppError['code']): Promise<AppError> {
  const presented: PresentedCertificate[] = []
  const error = (await open(port, { ...choice, options: { ...choice.options, onPresented: (certificate) => presented.push(certificate) } }).then(
    () => null,
    (reason: unknown) => reason,
  )) as AppError | null
  expect(error).toMatchObject({ code })
  expect(ERRORS[code].exit).toBe(4)
  expect(ERRORS[code].retry).toBe('never')
  if (presented[0] !== undefined) expect(error?.details).toMatchObject({ presented: presented[0].fingerprint, expected: presented[0].expected.join(', ') || 'none is pinned' })
  return error as AppError
}

describe('trust by authority', () => {
  it('accepts a chain to a bound authority under the right name, and tells what was negotiated', async () => {
    const { port } = await serve(trusted)
    const { observed, certificate, socket } = await open(port)
    expect(certificate).toMatchObject({ verdict: 'trusted', fingerprint: trusted.fingerprint, publicKeyPin: trusted.publicKeyPin, names: [HOST, '127.0.0.1'], bits: 2048, algorithm: 'RSA' })
    expect(observed).toMatchObject({ tlsVersion: 'TLSv1.3', serverCertificate: trusted.fingerprint, serverIssuer: 'CN=Test authority', clientCertificate: 'none' })
    expect(observed['cipher']).toMatch(/^TLS_/)
    expect((await once(socket, 'data'))[0]?.toString()).toBe('hello')
  })

  it('accepts a chain through an authority between, and one of which only that is bound', async () => {
    const between = authority.between('Between')
    const { port } = await serve(between.issue({ names: [HOST] }))
    expect((await open(port)).certificate.verdict).toBe('trusted')
    expect((await open(port, { trust: { authorities: [between.certificate] } })).certificate.verdict).toBe('trusted')
  })

  it('refuses an authority that is not bound, also one that left out the certificate between', async () => {
    const other = newAuthority('Other')
    const { port } = await serve(trusted)
    await refused(port, { trust: { authorities: [other.certificate] } }, 'tls.certificate_unknown')
    const between = authority.between('Between').issue({ names: [HOST] })
    const short = await serve({ ...between, certificate: between.certificate.slice(0, between.certificate.indexOf('-----END CERTIFICATE-----') + 26) })
    await refused(short.port, {}, 'tls.certificate_unknown')
  })

  it('with none bound asks those of the computer, which do not know ours', async () => {
    const { port } = await serve(trusted)
    await refused(port, { trust: { authorities: [] } }, 'tls.certificate_unknown')
  })

  it('refuses a certificate that vouches for itself, and says so', async () => {
    const own = selfSigned({ names: [HOST] })
    const { port } = await serve(own)
    const error = await refused(port, {}, 'tls.certificate_unknown')
    expect(error.message).toContain('self-signed')
    expect(error.details['presented']).toBe(own.fingerprint)
  })

  it('refuses a certificate for clients', async () => {
    const { port } = await serve(authority.issue({ names: [HOST], purpose: 'client' }))
    expect((await refused(port, {}, 'tls.certificate_unknown')).message).toContain('not issued for servers')
  })

  it('refuses another name, and takes the one that the settings name', async () => {
    const { port } = await serve(authority.issue({ names: ['ftp.partner.example', '*.partner.example'] }))
    expect((await refused(port, {}, 'tls.wrong_name')).message).toContain('not for localhost')
    expect((await open(port, { settings: { serverName: 'FTP.partner.example.' } })).certificate.verdict).toBe('trusted')
    expect((await open(port, { settings: { serverName: 'www.partner.example' } })).certificate.verdict).toBe('trusted')
    await refused(port, { settings: { serverName: 'a.b.partner.example' } }, 'tls.wrong_name')
    await refused(port, { settings: { serverName: 'partner.example' } }, 'tls.wrong_name')
  })

  it('holds an IP address only against addresses in the certificate', async () => {
    const { port } = await serve(authority.issue({ names: ['127.0.0.1', '::1'] }))
    for (const host of ['127.0.0.1', '::1', '[::1]']) expect((await open(port, { host })).certificate.verdict).toBe('trusted')
    await refused(port, { host: '127.0.0.2' }, 'tls.wrong_name')
    const named = await serve(selfSigned({ names: ['host.example'] }))
    await refused(named.port, { host: '127.0.0.1' }, 'tls.certificate_unknown')
  })

  it('refuses what has expired or is not valid yet, also of the authority behind', async () => {
    const expired = await serve(authority.issue({ names: [HOST], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) }))
    await refused(expired.port, {}, 'tls.expired')
    const early = await serve(authority.issue({ names: [HOST], notBefore: new Date(Date.now() + DAY) }))
    await refused(early.port, {}, 'tls.not_yet_valid')
    const { port } = await serve(trusted)
    await refused(port, { now: Date.now() + 100 * DAY }, 'tls.expired')
    await refused(port, { now: Date.now() - 9 * DAY }, 'tls.not_yet_valid')
  })

  it('asks for the pinned certificate besides, where one is pinned', async () => {
    const { port } = await serve(trusted)
    expect((await open(port, { trust: { pins: [pin(trusted.fingerprint)] } })).certificate.reason).toContain('pinned besides')
    await refused(port, { trust: { pins: [pin(`sha256:${'0'.repeat(64)}`)] } }, 'tls.certificate_changed')
    // And the pin does not stand in for the authority.
    await refused(port, { trust: { pins: [pin(trusted.fingerprint)], authorities: [newAuthority().certificate] } }, 'tls.certificate_unknown')
  })
})

describe('trust by pin', () => {
  const settings = { trust: 'pinned' } as const

  it('accepts a pinned certificate whoever issued it and whatever its name', async () => {
    const own = selfSigned({ names: ['somewhere.example'] })
    const { port } = await serve(own)
    expect((await open(port, { settings, trust: { pins: [pin(own.fingerprint)] } })).certificate).toMatchObject({ verdict: 'trusted', reason: 'the certificate is pinned' })
  })

  it('accepts a renewed certificate with the pinned public key, and not with another', async () => {
    const before = selfSigned({ names: [HOST] })
    const after = selfSigned({ names: [HOST], privateKey: before.privateKey })
    expect(after.fingerprint).not.toBe(before.fingerprint)
    const { port } = await serve(after)
    expect((await open(port, { settings, trust: { pins: [pin(before.publicKeyPin)] } })).certificate).toMatchObject({ verdict: 'trusted', reason: 'its public key is pinned' })
    await refused(port, { settings, trust: { pins: [pin(before.fingerprint)] } }, 'tls.certificate_changed')
  })

  it('refuses when nothing is pinned, even what an authority vouches for', async () => {
    const { port } = await serve(trusted)
    await refused(port, { settings }, 'tls.certificate_unknown')
    await refused(port, { settings, trust: { pins: [pin(selfSigned({ names: [HOST] }).fingerprint)] } }, 'tls.certificate_changed')
  })

  it('refuses a pinned certificate that has expired', async () => {
    const own = selfSigned({ names: [HOST], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })
    const { port } = await serve(own)
    await refused(port, { settings, trust: { pins: [pin(own.fingerprint)] } }, 'tls.expired')
  })
})

describe('the handshake', () => {
  it('says nothing to a refused server, and ends the line', async () => {
    const peer = await serve(selfSigned({ names: [HOST] }))
    await refused(peer.port, {}, 'tls.certificate_unknown')
    expect(peer.heard()).toBe('')
  })

  it('refuses TLS 1.1, and 1.2 where 1.3 is asked for', async () => {
    const old = await serve(trusted, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await refused(old.port, {}, 'tls.version_refused')
    const middle = await serve(trusted, { maxVersion: 'TLSv1.2' })
    expect((await open(middle.port)).observed).toMatchObject({ tlsVersion: 'TLSv1.2', ephemeralKey: expect.stringMatching(/^(ECDH|DH) /) as string })
    await refused(middle.port, { settings: { minimum: '1.3' } }, 'tls.version_refused')
  })

  it('refuses a server with weak suites only', async () => {
    const weak = await serve(trusted, { maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256@SECLEVEL=0' })
    await refused(weak.port, {}, 'tls.algorithms_refused')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('shows the client certificate, and names a missing or unwelcome one, with %s', async (maxVersion) => {
    const ours = authority.issue({ names: ['waybill'], purpose: 'client' })
    const { port } = await serve(trusted, { requestCert: true, rejectUnauthorized: true, ca: [authority.certificate], maxVersion })
    const client = { item: 'ti_2', certificate: ours.certificate, privateKey: ours.privateKey }
    const { socket, observed } = await open(port, { trust: { client } })
    expect((await once(socket, 'data'))[0]?.toString()).toBe('hello')
    expect(observed['clientCertificate']).toBe(ours.fingerprint)

    // With TLS 1.3 the server's refusal comes only with its first answer.
    const { tlsError } = await import('./errors.ts')
    const heard = async (trust: Partial<TlsTrust>, shown: string | null): Promise<AppError> => {
      try {
        const connection = await open(port, { trust })
        await once(connection.socket, 'data')
      } catch (error) {
        return tlsError(error, { server: HOST, client: shown })
      }
      throw new Error('the server let us in')
    }
    expect((await heard({}, null)).code).toMatch(/^tls\.(client_certificate_needed|algorithms_refused|handshake_failed)$/)
    if (maxVersion === 'TLSv1.3') expect((await heard({}, null)).code).toBe('tls.client_certificate_needed')
  })

  it('starts on a socket that is connected already', async () => {
    const { port } = await serve(trusted)
    const socket = await plain(port)
    expect((await open(port, { options: { socket } })).certificate.verdict).toBe('trusted')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes a session of %s under the same judgement', async (maxVersion) => {
    const { port } = await serve(trusted, { maxVersion })
    const first = await open(port)
    await once(first.socket, 'data')
    if (first.session() === undefined) await once(first.socket, 'session')
    const resume = { session: first.session() ?? Buffer.alloc(0), of: first }
    const second = await open(port, { options: { resume } })
    expect(second.socket.isSessionReused()).toBe(true)
    expect(second.certificate).toMatchObject({ verdict: 'trusted', fingerprint: trusted.fingerprint })
    await refused(port, { options: { resume }, trust: { pins: [pin(`sha256:${'0'.repeat(64)}`)] } }, 'tls.certificate_changed')
  })

  it('goes through proxies of both kinds', async () => {
    const { port } = await serve(trusted)
    for (const [kind, start] of [['http', startHttpProxy], ['socks5', startSocksProxy]] as const) {
      const proxy = await start()
      expect((await open(port, { options: { proxy: { kind, host: '127.0.0.1', port: proxy.port } } })).certificate.verdict).toBe('trusted')
      await proxy.stop()
    }
  })

  it('calls by name what is no TLS, closes at once, stays silent, or is not there', async () => {
    const talk = (words: string | null): Server => createPlainServer((socket) => (words === null ? undefined : words === '' ? socket.destroy() : void socket.end(words)))
    await expect(open(await listen(talk('220 Welcome to an FTP server\r\n')))).rejects.toMatchObject({ code: 'tls.not_tls' })
    await expect(open(await listen(talk('')))).rejects.toMatchObject({ code: 'tls.handshake_failed' })
    await expect(open(await listen(talk(null)), { options: { timeoutMs: 200 } })).rejects.toMatchObject({ code: 'net.unreachable' })
    const gone = createPlainServer()
    const port = await listen(gone)
    gone.close()
    await expect(open(port)).rejects.toMatchObject({ code: 'net.refused' })
  })

  it('ends with the reason when it is cancelled', async () => {
    const reason = new Error('stopped')
    const silent = await listen(createPlainServer())
    const stop = new AbortController()
    setTimeout(() => stop.abort(reason), 50)
    await expect(open(silent, { options: { signal: stop.signal } })).rejects.toBe(reason)
  })
})

it('is a TLS socket that is handed out', async () => {
  const { port } = await serve(trusted)
  expect((await open(port)).socket).toBeInstanceOf(TLSSocket)
})
