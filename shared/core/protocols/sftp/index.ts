/** SFTP: the host key is the trust anchor. See the README of this folder. */
import { SftpConnection } from '../../../contract/connections/sftp.ts'
import type { FileProtocol } from '../file-protocol.ts'
import { connectSftp } from './connect.ts'
import { testConnection } from './probe.ts'
import { openSession } from './session.ts'

export const sftp: FileProtocol<SftpConnection> = {
  id: 'sftp',
  settings: SftpConnection,
  async connect(endpoint, signal) {
    const connected = await connectSftp(endpoint, {}, signal)
    try {
      return await openSession(connected, endpoint.folder)
    } catch (error) {
      connected.ssh.destroy()
      throw error
    }
  },
  test: testConnection,
}
