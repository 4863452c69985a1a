/** One protected control connection: who is signed in, where it is, and the commands (RFC 959 and its additions). */
import { link, lstat, mkdir, rm, rmdir, stat, unlink } from 'node:fs/promises'
import type { SecureContext, TLSSocket } from 'node:tls'
import { isAccount, type PracticeAccount } from './account.ts'
import { createDataConnections } from './ftps-data.ts'
import { absoluteName, entriesOf, factsOf, lineOf, placeOf, timeOf } from './ftps-files.ts'
import { Refusal, refusalOf } from './ftps-reply.ts'
import { list, retrieve, store } from './ftps-transfer.ts'

const MOST_TRIES = 3
const PAUSE_AFTER_WRONG_PASSWORD_MS = 500
const FEATURES = ['AUTH TLS', 'PBSZ', 'PROT', 'EPSV', 'PASV', 'MLST type*;size*;modify*;', 'SIZE', 'MDTM', 'REST STREAM', 'UTF8']

type Command = (argument: string) => Promise<void> | void

export interface FtpsSession {
  /** Runs one command and answers it; never rejects. */
  run(line: string): Promise<void>
  /** Breaks off the transfer that is under way. */
  abort(): void
  end(): void
}

export function createFtpsSession(control: TLSSocket, secureContext: SecureContext, options: { readonly folder: string; readonly account: PracticeAccount }): FtpsSession {
  const { folder, account } = options
  const data = createDataConnections(control, secureContext)
  let username: string | null = null
  let signedIn = false
  let wrong = 0
  let current = '/'
  let offset = 0
  let renaming: string | null = null
  let buffersAgreed = false
  let protectedData = false

  const reply = (code: number, text: string): void => void control.write(`${code} ${text}\r\n`)
  const lines = (code: number, first: string, between: readonly string[], last: string): void => void control.write(`${code}-${first}\r\n${between.map((line) => ` ${line}\r\n`).join('')}${code} ${last}\r\n`)
  const named = (argument: string): string => {
    if (argument === '') throw new Refusal(501, 'A name is missing.')
    return absoluteName(current, argument)
  }
  const place = (argument: string): string => placeOf(folder, named(argument))
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const begin = (): void => reply(150, 'Here it comes.')
  const readyForData = (): void => {
    if (!protectedData) throw new Refusal(521, 'Data go protected only: PROT P first.')
  }
  const takeOffset = (): number => {
    const taken = offset
    offset = 0
    return taken
  }
  const transfer = async (action: () => Promise<void>): Promise<void> => {
    readyForData()
    await action()
    reply(226, 'Done.')
  }
  /** Options like `-la` that clients send out of habit are left out. */
  const folderOf = (argument: string): string => absoluteName(current, argument.replace(/^(-\S*\s*)+/, ''))
  const fileStats = async (argument: string) => {
    const stats = await lstat(place(argument))
    if (!stats.isFile()) throw new Refusal(550, 'It is not a file.')
    return stats
  }
  const enter = async (absolute: string): Promise<void> => {
    if (!(await stat(placeOf(folder, absolute))).isDirectory()) throw new Refusal(550, 'It is not a folder.')
    current = absolute
    reply(250, `Now in ${quoted(current)}.`)
  }

  /** Before somebody has signed in. */
  const forEverybody: Readonly<Record<string, Command>> = {
    USER(name) {
      username = name
      signedIn = false
      reply(331, 'Say the password.')
    },
    async PASS(password) {
      if (username === null) throw new Refusal(503, 'USER first.')
      if (isAccount(account, username, password)) {
        signedIn = true
        return reply(230, 'Signed in.')
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_WRONG_PASSWORD_MS))
      wrong += 1
      if (wrong < MOST_TRIES) throw new Refusal(530, 'User name or password is wrong.')
      control.end('421 Too many wrong passwords.\r\n')
    },
    PBSZ() {
      buffersAgreed = true
      reply(200, 'PBSZ=0')
    },
    PROT(level) {
      if (!buffersAgreed) throw new Refusal(503, 'PBSZ first.')
      if (level.toUpperCase() !== 'P') throw new Refusal(536, 'Data go protected only: PROT P.')
      protectedData = true
      reply(200, 'Data are protected.')
    },
    FEAT: () => lines(211, 'Features:', FEATURES, 'End'),
    OPTS: (text) => (/^(UTF8 ON|MLST\b)/i.test(text) ? reply(200, 'As it is anyway.') : reply(501, 'Not known.')),
    SYST: () => reply(215, 'UNIX Type: L8'),
    NOOP: () => reply(200, 'Still here.'),
    QUIT: () => void control.end('221 Goodbye.\r\n'),
    AUTH: () => reply(503, 'The line is protected already.'),
    ABOR: () => reply(226, 'Nothing is under way any more.'),
  }

  const whenSignedIn: Readonly<Record<string, Command>> = {
    PWD: () => reply(257, `${quoted(current)} is the present folder.`),
    CWD: async (name) => await enter(named(name)),
    CDUP: async () => await enter(absoluteName(current, '..')),
    // Text is not translated: what comes is kept as it is.
    TYPE: (kind) => (/^[IA]( N)?$|^L 8$/i.test(kind) ? reply(200, 'Bytes stay as they are.') : reply(504, 'Not that type.')),
    MODE: (mode) => (mode.toUpperCase() === 'S' ? reply(200, 'Stream.') : reply(504, 'Stream only.')),
    STRU: (structure) => (structure.toUpperCase() === 'F' ? reply(200, 'File.') : reply(504, 'File only.')),
    ALLO: () => reply(202, 'Not needed.'),
    async EPSV(argument) {
      if (argument.toUpperCase() === 'ALL' || !/^1?$/.test(argument)) throw argument === '2' ? new Refusal(522, 'Use (1).') : new Refusal(504, 'Not that.')
      reply(229, `Go to (|||${await data.passive()}|)`)
    },
    async PASV() {
      const port = await data.passive()
      reply(227, `Go to (127,0,0,1,${port >> 8},${port & 255}).`)
    },
    LIST: async (argument) => await transfer(async () => await list(data, (await entriesOf(placeOf(folder, folderOf(argument)))).map(lineOf), begin)),
    NLST: async (argument) => await transfer(async () => await list(data, (await entriesOf(placeOf(folder, folderOf(argument)))).map(({ name }) => name), begin)),
    MLSD: async (argument) => await transfer(async () => await list(data, (await entriesOf(placeOf(folder, absoluteName(current, argument)))).map(factsOf), begin)),
    async MLST(argument) {
      const absolute = absoluteName(current, argument)
      const stats = await lstat(placeOf(folder, absolute))
      lines(250, `Facts of ${absolute}:`, [factsOf({ name: absolute, stats })], 'End')
    },
    SIZE: async (name) => reply(213, String((await fileStats(name)).size)),
    MDTM: async (name) => reply(213, timeOf(await fileStats(name))),
    REST(text) {
      if (!/^\d{1,15}$/.test(text)) throw new Refusal(501, 'Say a number of bytes.')
      offset = Number(text)
      reply(350, `The next transfer begins at ${offset}.`)
    },
    async RETR(name) {
      const from = takeOffset()
      await transfer(async () => await retrieve(data, place(name), from, begin))
    },
    async STOR(name) {
      const from = takeOffset()
      await transfer(async () => await store(data, place(name), from, begin))
    },
    APPE: async (name) => await transfer(async () => await store(data, place(name), 'end', begin)),
    async RNFR(name) {
      await lstat(place(name))
      renaming = place(name)
      reply(350, 'And now RNTO.')
    },
    async RNTO(name) {
      const from = renaming
      renaming = null
      if (from === null) throw new Refusal(503, 'RNFR first.')
      // A link fails where the name is taken, whereas a rename would overwrite.
      await link(from, place(name))
      await rm(from)
      reply(250, 'Renamed.')
    },
    async DELE(name) {
      await unlink(place(name))
      reply(250, 'Deleted.')
    },
    async MKD(name) {
      await mkdir(place(name), { mode: 0o700 })
      reply(257, `${quoted(named(name))} was made.`)
    },
    async RMD(name) {
      if (named(name) === '/') throw new Refusal(550, 'Permission denied.')
      await rmdir(place(name))
      reply(250, 'Removed.')
    },
  }
  const OLD_NAMES: Readonly<Record<string, string>> = { XPWD: 'PWD', XMKD: 'MKD', XRMD: 'RMD', XCUP: 'CDUP' }

  const commandOf = (verb: string): Command => {
    const name = OLD_NAMES[verb] ?? verb
    if (Object.hasOwn(forEverybody, name)) return forEverybody[name] as Command
    if (!signedIn) throw new Refusal(530, 'Sign in first.')
    if (Object.hasOwn(whenSignedIn, name)) return whenSignedIn[name] as Command
    throw new Refusal(502, 'This server does not do that.')
  }

  return {
    async run(line) {
      const [, verb = '', argument = ''] = /^(\S*) ?(.*)$/s.exec(line) ?? []
      try {
        await commandOf(verb.toUpperCase())(argument)
      } catch (error) {
        data.abort()
        const { code, message } = refusalOf(error)
        reply(code, message)
      }
    },
    abort: () => data.abort(),
    end: () => data.abort(),
  }
}
