/**
 * Checksums computed by the server, where the account has a shell. One shell serves the whole session: a new one for each file
 * costs the server a third of a second, more than most files take.
 */
import type { Client, ClientChannel } from 'ssh2'

/** SHA-256 of a file of some GiB takes a while on a small server. */
const LIMIT_MS = 10 * 60_000
const READY_WITHIN_MS = 30_000
const MOST_OUTPUT = 8 * 1024
const READY = 'waybill-ready'

/** SHA-256 in hex, or null when the account has no shell, the program is missing or it does not see the file. */
export type ServerHash = (path: string) => Promise<string | null>

interface Shell {
  /** The next line that the command prints, or null when there will be none. */
  ask(command: string, wanted: (line: string) => boolean, limitMs: number): Promise<string | null>
  end(): void
}

export function createServerHash(ssh: Client): ServerHash {
  let shell: Promise<Shell | null> | undefined
  let last: Promise<unknown> = Promise.resolve()
  const hash = async (path: string): Promise<string | null> => {
    shell ??= readyShell(ssh)
    const line = await (await shell)?.ask(`sha256sum -- ${quoted(path)} || echo -`, () => true, LIMIT_MS)
    // A leading backslash says that the name was escaped in the output (GNU coreutils).
    return /^\\?([0-9a-f]{64})\s/.exec(line ?? '')?.[1] ?? null
  }
  return async (path) => {
    const mine = last.then(async () => await hash(path))
    last = mine.catch(() => undefined)
    return await mine
  }
}

/** `'` is the only character that means something inside single quotes. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`
}

/** Whatever the account prints when it starts comes before the sign that it listens. */
async function readyShell(ssh: Client): Promise<Shell | null> {
  const channel = await new Promise<ClientChannel | null>((resolve) => {
    try {
      ssh.exec('sh', (error, opened) => resolve(error ? null : opened))
    } catch {
      resolve(null)
    }
  })
  if (channel === null) return null
  const shell = shellOn(channel)
  const ready = await shell.ask(`echo ${READY}`, (line) => line === READY, READY_WITHIN_MS)
  if (ready !== null) return shell
  shell.end()
  return null
}

function shellOn(channel: ClientChannel): Shell {
  let output = ''
  let ended = false
  let heard: (() => void) | undefined
  const note = (): void => heard?.()
  channel.on('data', (data: Buffer) => {
    output += data.toString('latin1')
    if (output.length > MOST_OUTPUT) ended = true
    note()
  })
  channel.on('error', () => undefined)
  channel.on('close', () => {
    ended = true
    note()
  })
  channel.stderr.resume()

  const lineThat = (wanted: (line: string) => boolean): string | undefined => {
    for (let end = output.indexOf('\n'); end !== -1; end = output.indexOf('\n')) {
      const line = output.slice(0, end)
      output = output.slice(end + 1)
      if (wanted(line)) return line
    }
    return undefined
  }

  return {
    ask: async (command, wanted, limitMs) =>
      await new Promise((resolve) => {
        const answer = (line: string | null): void => {
          clearTimeout(limit)
          heard = undefined
          resolve(line)
        }
        const look = (): void => {
          const line = lineThat(wanted)
          if (line !== undefined) answer(line)
          else if (ended) answer(null)
        }
        const limit = setTimeout(() => {
          // An answer that comes later would be taken for that of another question.
          ended = true
          answer(null)
        }, limitMs)
        heard = look
        if (ended) answer(null)
        else channel.write(`${command}\n`)
      }),
    end: () => channel.close(),
  }
}
