/** SFTP: the host key is the trust anchor. See the README of this folder. */
import { SftpConnection } from '../../../contract/connections/sftp.ts'
import type { FileProtocol } from '../file-protocol.ts'

export const sftp: FileProtocol<SftpConnection> = {
  id: 'sftp',
  settings: SftpConnection,
  async connect(endpoint, signal) {
    // The library is loaded where it is needed: many commands reach nobody.
    const [{ connectSftp }, { openSession }] = await Promise.all([import('./connect.ts'), import('./session.ts')])
    const connected = await connectSftp(endpoint, {}, signal)
    try {
      return await openSession(connected, endpoint.folder, { checksums: ['auto', 'hash'].includes(endpoint.settings.verify) })
    } catch (error) {
      connected.ssh.destroy()
      throw error
    }
  },
  async test(endpoint, onProgress, signal) {
    const { testConnection } = await import('./probe.ts')
    return await testConnection(endpoint, onProgress, signal)
  },
}
