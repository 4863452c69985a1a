import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startSshd } from '../../../../e2e/servers/sshd.ts'
import { SftpConnection } from '../../../contract/connections/sftp.ts'
import { behindFolder, fileProtocolSuite, type ServerUnderTest } from '../conformance/file-protocol-suite.ts'
import { sftp } from './index.ts'

async function prepare(config: readonly string[]): Promise<ServerUnderTest> {
  const sshd = await startSshd({ config })
  const settings = SftpConnection.parse({ protocol: 'sftp', host: '127.0.0.1', port: sshd.port, username: sshd.username, auth: { method: 'key', privateKey: 'sealed' }, folder: sshd.folder, idleTimeoutSeconds: 5 })
  const pin = { item: 'trust_1', algorithm: 'ssh-ed25519', fingerprint: sshd.fingerprints.ed25519, publicKey: sshd.hostKeys.ed25519 }
  return {
    behind: behindFolder(sshd.folder),
    observed: { hostKeyFingerprint: pin.fingerprint, hostKeyAlgorithm: 'ssh-ed25519', authMethod: 'key' },
    connect: async (signal) => await sftp.connect({ settings, folder: sshd.folder, secrets: { privateKey: sshd.privateKey }, pins: [pin], tls: { pins: [], authorities: [], client: null }, tolerated: [] }, signal),
    cut: () => void sshd.killSessions(),
    hang: { stop: () => sshd.signalSessions('SIGSTOP'), resume: () => sshd.signalSessions('SIGCONT') },
    stop: async () => await sshd.stop(),
  }
}

const peer = findPeer('sshd')
const LONG = ['a'.repeat(255), '名前.csv', 'back\\slash.txt']
fileProtocolSuite(`SFTP at OpenSSH, an account with a shell${peer.note}`, peer.absent, async () => await prepare([]), LONG)
fileProtocolSuite(`SFTP at OpenSSH, an account without a shell${peer.note}`, peer.absent, async () => await prepare(['ForceCommand internal-sftp']), LONG)
