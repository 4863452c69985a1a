/** FTPS: FTP over TLS, judged before the user name is said. See the README of this folder. */
import { FtpsConnection } from '../../../contract/connections/ftps.ts'
import type { FileProtocol } from '../file-protocol.ts'
import { connectFtps } from './connect.ts'
import { testConnection } from './probe.ts'
import { openSession } from './session.ts'

export const ftps: FileProtocol<FtpsConnection> = {
  id: 'ftps',
  settings: FtpsConnection,
  async connect(endpoint, signal) {
    const connected = await connectFtps(endpoint, {}, signal)
    try {
      return await openSession(connected, endpoint.settings, endpoint.folder)
    } catch (error) {
      connected.context.close()
      throw error
    }
  },
  test: testConnection,
}
