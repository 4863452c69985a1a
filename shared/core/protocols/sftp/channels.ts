/**
 * Further SFTP channels on the same connection. OpenSSH serves each by a process of its own, so that files which are flushed to its
 * disk side by side share the flush; on one channel each would wait for the one before.
 */
import type { Client, SFTPWrapper } from 'ssh2'

/** OpenSSH permits ten on a connection by default (MaxSessions); the shell for checksums needs one. */
const MOST_CHANNELS = 4

export interface Channels {
  /** Runs an action on the channel that has least to do. */
  use<T>(action: (sftp: SFTPWrapper) => Promise<T>): Promise<T>
}

export function createChannels(ssh: Client, first: SFTPWrapper, severalPermitted: boolean): Channels {
  const open = [{ sftp: first, busy: 0 }]
  let more = severalPermitted
  let opening: Promise<void> | null = null

  const openAnother = async (): Promise<void> => {
    try {
      const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
        // The library answers nothing when the line goes meanwhile.
        ssh.once('close', reject)
        ssh.sftp((error, made) => {
          ssh.removeListener('close', reject)
          if (error) reject(error)
          else resolve(made)
        })
      })
      open.push({ sftp, busy: 0 })
    } catch {
      // As many as the server permits are enough.
      more = false
    } finally {
      opening = null
    }
  }

  const leastBusy = (): (typeof open)[number] => open.reduce((best, one) => (one.busy < best.busy ? one : best))

  return {
    async use(action) {
      if (more && open.length < MOST_CHANNELS && leastBusy().busy > 0) await (opening ??= openAnother())
      const channel = leastBusy()
      channel.busy += 1
      try {
        return await action(channel.sftp)
      } finally {
        channel.busy -= 1
      }
    },
  }
}
