/** A checksum computed by the server, where the account has a shell. */
import type { Client } from 'ssh2'

/** SHA-256 of a file of some GiB takes a while on a small server. */
const LIMIT_MS = 10 * 60_000
const MOST_OUTPUT = 8 * 1024

/** `'` is the only character that means something inside single quotes. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`
}

/** SHA-256 in hex, or null when the account has no shell, the program is missing or it does not see the file. */
export async function hashOnServer(ssh: Client, path: string): Promise<string | null> {
  return await new Promise((resolve) => {
    const limit = setTimeout(() => resolve(null), LIMIT_MS)
    const answer = (hash: string | null): void => {
      clearTimeout(limit)
      resolve(hash)
    }
    try {
      ssh.exec(`sha256sum -- ${quoted(path)}`, (error, channel) => {
        if (error) {
          answer(null)
          return
        }
        let output = ''
        channel.on('data', (data: Buffer) => {
          if (output.length < MOST_OUTPUT) output += data.toString('latin1')
        })
        channel.on('error', () => answer(null))
        // A leading backslash says that the name was escaped in the output (GNU coreutils).
        channel.on('close', () => answer(/^\\?([0-9a-f]{64})\s/.exec(output)?.[1] ?? null))
        channel.stderr.resume()
        // Where another program is forced on the account (internal-sftp), it waits for input: tell it that there is none.
        channel.end()
      })
    } catch {
      answer(null)
    }
  })
}
