/** A folder of this computer or of the network. See the README of this folder. */
import { FolderConnection } from '../../../contract/connections/folder.ts'
import type { FileProtocol } from '../file-protocol.ts'
import { testFolder } from './probe.ts'
import { openFolderSession } from './session.ts'

export const folder: FileProtocol<FolderConnection> = {
  id: 'folder',
  settings: FolderConnection,
  async connect(endpoint, signal) {
    signal.throwIfAborted()
    const session = await openFolderSession(endpoint.settings.path, endpoint.folder)
    signal.throwIfAborted()
    return session
  },
  test: testFolder,
}
