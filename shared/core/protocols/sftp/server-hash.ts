/**
 * Checksums computed by the server, where the account has a shell. One shell serves the whole session: a new one for each file
 * costs the server a third of a second, more than most files take. Files that wait meanwhile are asked for together: starting the
 * program takes longer than reading a small file.
 */
import type { Client, ClientChannel } from 'ssh2'

/** SHA-256 of a file of some GiB takes a while on a small server. */
const LIMIT_MS = 10 * 60_000
const READY_WITHIN_MS = 30_000
const MOST_OUTPUT = 64 * 1024
const READY = 'waybill-ready'
const DONE = 'waybill-done'
/** What one command asks for: its answer stays far below `MOST_OUTPUT`, the command below what every system takes. */
const MOST_TOGETHER = 32
const MOST_PATH_BYTES = 8 * 1024

/** SHA-256 in hex, or null when the account has no shell, the program is missing or it does not see the file. */
export type ServerHash = (path: string) => Promise<string | null>

interface Shell {
  /** The lines that the command prints, up to the one that says `until`; null when the shell ended before, or took longer. */
  ask(command: string, until: string, limitMs: number): Promise<readonly string[] | null>
  end(): void
}

interface Waiting {
  readonly path: string
  readonly answer: (hash: string | null) => void
}

export function createServerHash(ssh: Client): ServerHash {
  let shell: Promise<Shell | null> | undefined
  const waiting: Waiting[] = []
  let asking = false

  const hashes = async (paths: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    shell ??= readyShell(ssh)
    const lines = await (await shell)?.ask(`sha256sum -- ${paths.map(quoted).join(' ')}; echo ${DONE}`, DONE, LIMIT_MS)
    return new Map((lines ?? []).flatMap(hashOfLine))
  }
  const askForAll = async (): Promise<void> => {
    if (asking) return
    asking = true
    while (waiting.length > 0) {
      const together = takeTogether(waiting)
      const found = await hashes(together.map(({ path }) => path)).catch(() => new Map<string, string>())
      for (const { path, answer } of together) answer(found.get(octets(path)) ?? null)
    }
    asking = false
  }
  return async (path) =>
    await new Promise((answer) => {
      waiting.push({ path, answer })
      void askForAll()
    })
}

function takeTogether(waiting: Waiting[]): readonly Waiting[] {
  let [count, bytes] = [0, 0]
  for (const { path } of waiting) {
    bytes += path.length
    if (count > 0 && (count === MOST_TOGETHER || bytes > MOST_PATH_BYTES)) break
    count += 1
  }
  return waiting.splice(0, count)
}

/** What a path looks like in the output, which is read octet by octet. */
const octets = (path: string): string => Buffer.from(path, 'utf8').toString('latin1')

/** `<hash>  <path>`, and with a backslash in front when the path is escaped (GNU coreutils). */
function hashOfLine(line: string): readonly (readonly [string, string])[] {
  const [, escaped, hash, path] = /^(\\?)([0-9a-f]{64}) [ *](.+)$/s.exec(line) ?? []
  if (hash === undefined || path === undefined) return []
  return [[escaped === '' ? path : path.replaceAll(/\\([\\nr])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\')), hash]]
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
  const ready = await shell.ask(`echo ${READY}`, READY, READY_WITHIN_MS)
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

  /** The lines before the one that says `until`; undefined while it is not there. */
  const linesUntil = (until: string): readonly string[] | undefined => {
    const lines = output.split('\n')
    const at = lines.indexOf(until)
    // The last one is not ended yet.
    if (at === -1 || at === lines.length - 1) return undefined
    output = lines.slice(at + 1).join('\n')
    return lines.slice(0, at)
  }

  return {
    ask: async (command, until, limitMs) =>
      await new Promise((resolve) => {
        const answer = (lines: readonly string[] | null): void => {
          clearTimeout(limit)
          heard = undefined
          resolve(lines)
        }
        const look = (): void => {
          const lines = linesUntil(until)
          if (lines !== undefined) answer(lines)
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
