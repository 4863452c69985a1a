/** Opens the way to the server (direct, through a proxy, through a jump host), the SSH connection and the SFTP channel on it. */
import type { Duplex } from 'node:stream'
import type { Client, SFTPWrapper } from 'ssh2'
import type { SftpConnection } from '../../../contract/connections/sftp.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileEndpoint, LinePolicy, ObservedCrypto } from '../file-protocol.ts'
import { connectThroughProxy, proxyFacts, proxyOf } from '../proxy.ts'
import { connectError } from './errors.ts'
import { openSsh, type ConnectObserver, type OpenSsh } from './ssh.ts'

export type { ConnectObserver } from './ssh.ts'
export type SftpEndpoint = FileEndpoint<SftpConnection>

export interface Connected {
  readonly ssh: Client
  readonly sftp: SFTPWrapper
  readonly observed: ObservedCrypto
}

/** Rejects with an AppError (`net.*`, `sftp.*`, `remote.auth_refused`) or with the signal's reason. */
export async function connectSftp(endpoint: SftpEndpoint, observer: ConnectObserver, signal: AbortSignal): Promise<Connected> {
  signal.throwIfAborted()
  const { settings, pins, ssh: trust } = endpoint
  const way = await openWay(endpoint, signal)
  try {
    const { ssh, observed } = await openSsh(
      {
        ...commonOf(endpoint),
        who: 'the server',
        host: settings.host,
        port: settings.port,
        account: { username: settings.username, auth: settings.auth, password: endpoint.secrets['password'], privateKey: endpoint.secrets['privateKey'] },
        trust: { host: settings.host, pins, authorities: trust?.authorities ?? [], revoked: trust?.revoked ?? [] },
        ...(way.line === undefined ? {} : { line: way.line }),
      },
      observer,
      signal,
    )
    ssh.once('close', () => way.release())
    return { ssh, sftp: await openChannel(ssh, `${settings.host}:${settings.port}`, signal), observed: { ...observed, ...way.facts } }
  } catch (error) {
    way.release()
    throw error
  }
}

function commonOf({ settings, tolerated, line }: SftpEndpoint): { tolerated: readonly string[]; policy: LinePolicy | undefined; connectTimeoutMs: number; idleTimeoutMs: number } {
  return { tolerated, policy: line, connectTimeoutMs: settings.connectTimeoutSeconds * 1000, idleTimeoutMs: settings.idleTimeoutSeconds * 1000 }
}

/** The line on which the server is spoken to, and what holds it open. */
interface Way {
  /** Undefined: the library connects by itself. */
  readonly line: Duplex | undefined
  readonly facts: ObservedCrypto
  release(): void
}

async function openWay(endpoint: SftpEndpoint, signal: AbortSignal): Promise<Way> {
  const { jump, host, port } = endpoint.settings
  if (jump === undefined) return await openFirstLine(endpoint, { host, port }, signal)
  const first = await openFirstLine(endpoint, jump, signal)
  let gate: OpenSsh | undefined
  try {
    gate = await openSsh(
      {
        ...commonOf(endpoint),
        who: 'the jump host',
        host: jump.host,
        port: jump.port,
        account: { username: jump.username, auth: jump.auth, password: endpoint.secrets['jumpPassword'], privateKey: endpoint.secrets['jumpPrivateKey'] },
        trust: { host: jump.host, pins: endpoint.ssh?.jump ?? [], authorities: [], revoked: endpoint.ssh?.revoked ?? [] },
        ...(first.line === undefined ? {} : { line: first.line }),
      },
      {},
      signal,
    )
    const { ssh, observed } = gate
    // What breaks it breaks the line through it, and is told there.
    ssh.on('error', () => undefined)
    const line = await forward(ssh, { host, port }, `${jump.host}:${jump.port}`)
    ssh.once('close', () => line.destroy())
    const release = (): void => {
      ssh.end()
      first.release()
    }
    return { line, facts: { ...first.facts, jumpHost: `${jump.host}:${jump.port}`, jumpHostKeyFingerprint: observed['hostKeyFingerprint'] ?? '' }, release }
  } catch (error) {
    gate?.ssh.destroy()
    first.release()
    throw error instanceof AppError && gate === undefined ? new AppError(error.code, `jump host: ${error.message}`, { details: { ...error.details, jumpHost: `${jump.host}:${jump.port}` }, cause: error }) : error
  }
}

async function openFirstLine({ settings, secrets }: SftpEndpoint, target: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Way> {
  const proxy = proxyOf(settings, secrets)
  if (proxy === undefined) return { line: undefined, facts: {}, release: () => undefined }
  const line = await connectThroughProxy(proxy, target, { timeoutMs: settings.connectTimeoutSeconds * 1000, signal })
  return { line, facts: proxyFacts(settings), release: () => void line.destroy() }
}

async function forward(ssh: Client, target: { readonly host: string; readonly port: number }, gate: string): Promise<Duplex> {
  return await new Promise((resolve, reject) => {
    const lost = (): void => reject(new AppError('net.connection_lost', `${gate}: the jump host ended the connection`))
    ssh.once('close', lost)
    ssh.forwardOut('127.0.0.1', 0, target.host, target.port, (error, channel) => {
      ssh.removeListener('close', lost)
      if (error) reject(new AppError('sftp.jump_refused', `${gate} does not open ${target.host}:${target.port}: ${error.message}`, { details: { jumpHost: gate, server: `${target.host}:${target.port}` }, cause: error }))
      else resolve(channel)
    })
  })
}

async function openChannel(ssh: Client, address: string, signal: AbortSignal): Promise<SFTPWrapper> {
  const onAbort = (): void => void ssh.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  let broken: Error | undefined
  const note = (error: Error): void => void (broken = error)
  ssh.on('error', note)
  try {
    return await new Promise<SFTPWrapper>((resolve, reject) => {
      const lost = (): void => reject(broken ?? new Error('the server or the line ended the connection'))
      ssh.once('close', lost)
      ssh.sftp((error, sftp) => {
        ssh.removeListener('close', lost)
        if (error) reject(broken ?? error)
        else resolve(sftp)
      })
    })
  } catch (error) {
    ssh.destroy()
    signal.throwIfAborted()
    throw connectError(error, address, {})
  } finally {
    signal.removeEventListener('abort', onAbort)
    ssh.removeListener('error', note)
    // A connection without anybody who listens must not end the process; the session adds its own ears.
    ssh.on('error', () => undefined)
  }
}
