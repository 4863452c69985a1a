/** FTPS: FTP over TLS, judged before the user name is said. See the README of this folder. */
import { FtpsConnection } from '../../../contract/connections/ftps.ts'
import type { FileProtocol } from '../file-protocol.ts'

export const ftps: FileProtocol<FtpsConnection> = {
  id: 'ftps',
  settings: FtpsConnection,
  async connect(endpoint, signal) {
    // The library is loaded where it is needed: many commands reach nobody.
    const [{ connectFtps }, { openSession }] = await Promise.all([import('./connect.ts'), import('./session.ts')])
    const connected = await connectFtps(endpoint, {}, signal)
    try {
      return await openSession(connected, endpoint.settings, endpoint.folder)
    } catch (error) {
      connected.context.close()
      throw error
    }
  },
  async test(endpoint, onProgress, signal) {
    const { testConnection } = await import('./probe.ts')
    return await testConnection(endpoint, onProgress, signal)
  },
}
