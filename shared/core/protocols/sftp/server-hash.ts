/**
 * Checksums computed by the server, where the account has a shell. One shell serves the whole session: a new one for each file
 * costs the server a third of a second, more than most files take. Files that wait meanwhile are asked for together: starting the
 * program takes longer than reading a small file.
 */
/** SHA-256 of a file of some GiB takes a while on a small server. */
const LIMIT_MS = 10 * 60_000
const READY_WITHIN_MS = 30_000
const MOST_OUTPUT = 64 * 1024
const READY = 'waybill-ready'
const DONE = 'waybill-done'
/** What one command asks for: its answer stays far below `MOST_OUTPUT`, the command below what every system takes. */
const MOST_TOGETHER = 32
const MOST_PATH_BYTES = 8 * 1024

/** What is asked of a connection (ssh2's `Client`): to start a program there, and to speak with it. */
export interface RemotePrograms {
  exec(command: string, answer: (error: Error | undefined, channel: ProgramChannel) => void): unknown
}

export interface ProgramChannel {
  on(event: 'data', heard: (data: Buffer) => void): unknown
  on(event: 'error' | 'close', heard: () => void): unknown
  readonly stderr: { resume(): unknown }
  write(text: string): unknown
  close(): unknown
}

/** A program of the server that prints checksums. */
interface Program {
  readonly command: string
  readonly takes: RegExp
}

const SHA256SUM: Program = { command: 'sha256sum --', takes: /^/ }
/**
 * Four times as fast as GNU's `sha256sum`, which mostly does not use the processor's own instructions, but slower to start. Whole paths
 * only, which are never taken for an option, and without what its older versions print as it is and newer ones escape.
 */
const OPENSSL: Program = { command: 'openssl dgst -sha256 -r', takes: /^\/[^\\\r\n]*$/ }
/** From so many bytes on OpenSSL has earned back its start. */
const WORTH_OPENSSL_BYTES = 4 * 1024 * 1024

export interface ServerHash {
  /** Opens the shell, so that it is there when the first checksum is asked for. */
  prepare(): void
  /** SHA-256 in hex, or null when the account has no shell, no program is there or it does not see the file. `bytes`: its size, where known. */
  of(path: string, bytes?: number): Promise<string | null>
}

interface Shell {
  /** The lines that the command prints, up to the one that says `until`; null when the shell ended before, or took longer. */
  ask(command: string, until: string, limitMs: number): Promise<readonly string[] | null>
  end(): void
}

interface Waiting {
  readonly path: string
  readonly bytes: number
  readonly answer: (hash: string | null) => void
}

export function createServerHash(ssh: RemotePrograms): ServerHash {
  let shell: Promise<Shell | null> | undefined
  const absent = new Set<Program>()
  const waiting: Waiting[] = []
  let asking = false

  const ask = async ({ command }: Program, paths: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const opened = await (shell ??= readyShell(ssh))
    const lines = await opened?.ask(`${command} ${paths.map(quoted).join(' ')} </dev/null; echo ${DONE}`, DONE, LIMIT_MS)
    const wanted = new Set(paths.map(octets))
    return new Map((lines ?? []).flatMap(hashOfLine).filter(([path]) => wanted.has(path)))
  }
  const hashes = async (together: readonly Waiting[]): Promise<ReadonlyMap<string, string>> => {
    const found = new Map<string, string>()
    const silent: Program[] = []
    const bytes = together.reduce((sum, one) => sum + one.bytes, 0)
    for (const program of bytes < WORTH_OPENSSL_BYTES ? [SHA256SUM, OPENSSL] : [OPENSSL, SHA256SUM]) {
      const left = together.filter(({ path }) => program.takes.test(path) && !found.has(octets(path))).map(({ path }) => path)
      if (absent.has(program) || left.length === 0) continue
      const answers = await ask(program, left)
      if (answers.size === 0) silent.push(program)
      for (const [path, hash] of answers) found.set(path, hash)
    }
    // One that knows nothing of what the other reads is not there.
    if (found.size > 0) for (const program of silent) absent.add(program)
    return found
  }
  const askForAll = async (): Promise<void> => {
    if (asking) return
    asking = true
    while (waiting.length > 0) {
      const together = takeTogether(waiting)
      const found = await hashes(together).catch(() => new Map<string, string>())
      for (const { path, answer } of together) answer(found.get(octets(path)) ?? null)
    }
    asking = false
  }
  return {
    prepare: () => void (shell ??= readyShell(ssh)),
    of: async (path, bytes = 0) =>
      await new Promise((answer) => {
        waiting.push({ path, bytes, answer })
        void askForAll()
      }),
  }
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

/** `<hash>  <path>` or `<hash> *<path>`, and with a backslash in front when the path is escaped (GNU coreutils). */
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
async function readyShell(ssh: RemotePrograms): Promise<Shell | null> {
  const channel = await new Promise<ProgramChannel | null>((resolve) => {
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

function shellOn(channel: ProgramChannel): Shell {
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
