/** A real handshake on this computer between our TLS side as it will stand and a partner that knows one certificate of ours. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { asAppError } from '../kernel/errors.ts'
import type { Tried } from '../messages/counterpart.ts'
import { judgeCertificate } from '../protocols/tls/index.ts'

const LONGEST_MS = 5000

export interface TlsSide {
  /** PEM, with the chain. */
  readonly certificate: string
  readonly privateKey: string
}

/** We are the server: does a partner that pinned `knows` (`sha256:…`) accept what we show? */
export async function tryOurServer(server: TlsSide, knows: string, at: number): Promise<Tried> {
  return await handshake({ cert: server.certificate, key: server.privateKey }, {}, (socket) => {
    const presented = judgeCertificate(
      { certificate: socket.getPeerCertificate().raw, chainProblem: null },
      { settings: { trust: 'pinned' }, trust: { pins: [{ item: '', fingerprint: knows, certificate: null }], authorities: [] }, host: '127.0.0.1', now: at },
    )
    return presented.verdict === 'trusted' ? { ok: true } : { ok: false, why: presented.reason.replace(/\.$/, '') }
  })
}

/** We are the client: does a partner's server that knows `knows` (PEM) let us in with what we show? The server's own part is a stand-in. */
export async function tryOurClient(client: TlsSide, knows: string, server: TlsSide): Promise<Tried> {
  return await handshake({ cert: server.certificate, key: server.privateKey, requestCert: true, rejectUnauthorized: true, ca: [knows] }, { cert: client.certificate, key: client.privateKey }, () => ({ ok: true }))
}

async function handshake(server: Parameters<typeof createServer>[0], client: object, judge: (socket: TLSSocket) => Tried): Promise<Tried> {
  const listener = createServer({ ...server, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  listener.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => undefined))
  listener.on('tlsClientError', () => undefined)
  listener.listen(0, '127.0.0.1')
  try {
    await once(listener, 'listening')
    const socket = connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, rejectUnauthorized: false, ...client })
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(LONGEST_MS) })
      return judge(socket)
    } finally {
      socket.on('error', () => undefined)
      socket.destroy()
    }
  } catch (error) {
    return { ok: false, why: `the handshake fails: ${asAppError(error).message}` }
  } finally {
    listener.close()
  }
}
