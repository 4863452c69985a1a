/** S3-compatible buckets: bucket and prefix are the boundary. See the README of this folder. */
import { S3Connection } from '../../../contract/connections/s3.ts'
import type { FileProtocol } from '../file-protocol.ts'

export const s3: FileProtocol<S3Connection> = {
  id: 's3',
  settings: S3Connection,
  async connect(endpoint, signal) {
    signal.throwIfAborted()
    // The SDK takes longer to load than most commands to run: it is loaded where it is needed.
    const [{ createClients }, { openSession }] = await Promise.all([import('./connect.ts'), import('./session.ts')])
    const connected = createClients(endpoint, {}, signal)
    try {
      return await openSession(connected, endpoint, signal)
    } catch (error) {
      connected.close()
      signal.throwIfAborted()
      throw error
    }
  },
  async test(endpoint, onProgress, signal) {
    const { testConnection } = await import('./probe.ts')
    return await testConnection(endpoint, onProgress, signal)
  },
}
