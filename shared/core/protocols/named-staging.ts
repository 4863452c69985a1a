/** Staging for servers with rename: under a temporary name in the same folder. */
import type { FileSession, Staging } from './file-protocol.ts'

export function namedStaging(session: Pick<FileSession, 'stat' | 'write' | 'rename' | 'remove'>): Staging {
  return {
    // Writing from the start replaces what may be there; only a later attempt goes on with it.
    find: async ({ temporaryName, untouched = false }) => (untouched ? null : await session.stat(temporaryName)),
    write: async ({ temporaryName }, content, options) => await session.write(temporaryName, content, options),
    publish: async ({ temporaryName, finalName }) => await session.rename(temporaryName, finalName),
    async discard({ temporaryName }) {
      await session.remove(temporaryName)
    },
  }
}
