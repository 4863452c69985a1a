import { startProftpd } from '../../../../e2e/servers/proftpd.ts'
import type { FtpsServer, FtpsServerOptions } from '../../../../e2e/servers/ftps.ts'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startVsftpd, vsftpdPeer } from '../../../../e2e/servers/vsftpd.ts'
import { FtpsConnection } from '../../../contract/connections/ftps.ts'
import { behindFolder, fileProtocolSuite, type ServerUnderTest } from '../conformance/file-protocol-suite.ts'
import { ftps } from './index.ts'

async function prepare(start: (options: FtpsServerOptions) => Promise<FtpsServer>, options: FtpsServerOptions): Promise<ServerUnderTest> {
  const server = await start(options)
  const { host, port, username, password, mode, folder, identity } = { host: '127.0.0.1', ...server }
  const settings = FtpsConnection.parse({ protocol: 'ftps', mode, host, port, username, password, folder, tls: { trust: 'pinned' }, idleTimeoutSeconds: 5 })
  // Shorter than an operator may set it, so that the test of a server that hangs is over soon.
  const impatient = { ...settings, idleTimeoutSeconds: 2 }
  const pin = { item: 'trust_1', fingerprint: identity.fingerprint, certificate: null }
  return {
    behind: behindFolder(folder),
    observed: { tlsVersion: `TLSv${options.tls ?? ''}`, serverCertificate: identity.fingerprint, mode, dataProtection: 'PROT P', authMethod: 'password' },
    connect: async (signal) => await ftps.connect({ settings: impatient, folder, secrets: { password }, pins: [], tls: { pins: [pin], authorities: [], client: null }, tolerated: [] }, signal),
    cut: () => void server.killSessions(),
    hang: { stop: () => server.signalSessions('SIGSTOP'), resume: () => server.signalSessions('SIGCONT') },
    stop: async () => await server.stop(),
  }
}

const NAMES = ['a'.repeat(255), '名前.csv', 'back\\slash.txt', ' leading blank.txt', 'star*[1].txt']
const servers = [
  { name: 'vsftpd, session reuse required', peer: vsftpdPeer(), start: startVsftpd },
  { name: 'ProFTPD', peer: findPeer('proftpd'), start: startProftpd },
] as const
for (const { name, peer, start } of servers)
  for (const mode of ['explicit', 'implicit'] as const)
    for (const tls of ['1.2', '1.3'] as const) fileProtocolSuite(`FTPS at ${name}, ${mode}, TLS ${tls}${peer.note}`, peer.absent, async () => await prepare(start, { mode, tls }), NAMES)
