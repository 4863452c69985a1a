/** The practice partner's FTPS at clients that none of us wrote: curl (OpenSSL) and lftp (GnuTLS). */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../../e2e/servers/peers.ts'
import { startPractice, type PracticeServer } from './start.ts'

const [curlPeer, lftpPeer] = [findPeer('curl'), findPeer('lftp')]

describe("the practice partner's FTPS", () => {
  let folder: string
  let practice: PracticeServer
  const files = (): string => join(folder, 'partner', 'files')
  const local = (name: string): string => join(folder, name)

  const run = async (program: string, args: readonly string[]): Promise<{ code: number; text: string }> =>
    await new Promise((resolve) => {
      execFile(program, args, { cwd: folder, timeout: 20_000, maxBuffer: 10_000_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: `${out}${err}` }))
    })
  const curl = async (path: string, ...args: readonly string[]): Promise<{ code: number; text: string }> =>
    await run('curl', ['-sS', '-v', '--ssl-reqd', '--cacert', local('partner.pem'), '-u', `${practice.username}:${practice.password}`, ...args, `ftp://127.0.0.1:${practice.ftps.port}/${path}`])

  /** Says commands in the clear and answers what came back. */
  const inTheClear = async (...commands: readonly string[]): Promise<string> => {
    const socket = connect(practice.ftps.port, '127.0.0.1')
    let text = ''
    socket.on('data', (data: Buffer) => (text += data.toString()))
    await once(socket, 'data')
    for (const command of commands) socket.write(command)
    if (!commands.at(-1)?.startsWith('AUTH')) socket.write('QUIT\r\n')
    await once(socket, 'close')
    return text
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-practice-'))
    mkdirSync(join(folder, 'partner'))
    practice = await startPractice({ folder: join(folder, 'partner'), entry: join(import.meta.dirname, 'main.ts'), execPath: process.execPath })
    writeFileSync(local('partner.pem'), practice.tlsCertificate)
  })
  afterAll(async () => {
    await practice?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    for (const name of readdirSync(files())) rmSync(join(files(), name), { recursive: true })
  })

  describe.skipIf(curlPeer.absent)(`at curl${curlPeer.note}`, () => {
    it('takes a file, goes on with it where it broke off, lists it, and gives back all or the rest of it', async () => {
      const content = randomBytes(3_000_000)
      writeFileSync(local('order.bin'), content)
      writeFileSync(join(files(), 'order.bin'), content.subarray(0, 1_000_000))
      const put = await curl('order.bin', '-T', 'order.bin', '-C', '1000000')
      expect(put.code, put.text).toBe(0)
      expect(put.text).toMatch(/APPE|REST/)
      expect(readFileSync(join(files(), 'order.bin')).equals(content)).toBe(true)
      expect((await curl('')).text).toMatch(/-rw-------\s+1\s+practice\s+practice\s+3000000 .* order\.bin/)
      const back = await curl('order.bin', '-o', 'back.bin')
      expect(back.code, back.text).toBe(0)
      expect(readFileSync(local('back.bin')).equals(content)).toBe(true)
      expect((await curl('order.bin', '-r', '2999990-', '-o', 'tail.bin')).code).toBe(0)
      expect(readFileSync(local('tail.bin')).equals(content.subarray(-10))).toBe(true)
    })

    it('works by PASV too, and tells size and time', async () => {
      writeFileSync(join(files(), 'there.txt'), 'twelve bytes')
      const { code, text } = await curl('there.txt', '--disable-epsv', '-I')
      expect(code, text).toBe(0)
      expect(text).toContain('Content-Length: 12')
      expect(text).toMatch(/Last-Modified: .*GMT/)
      expect((await curl('there.txt', '--disable-epsv')).text).toContain('twelve bytes')
    })

    it('renames, makes and removes, and never renames onto a file that is there', async () => {
      for (const name of ['one', 'theirs']) writeFileSync(join(files(), name), name)
      const done = await curl('', '-Q', 'MKD sub', '-Q', 'RNFR one', '-Q', 'RNTO sub/with space', '-Q', 'DELE theirs')
      expect(done.code, done.text).toBe(0)
      expect(readdirSync(join(files(), 'sub'))).toEqual(['with space'])
      writeFileSync(join(files(), 'taken'), 'theirs')
      expect((await curl('', '-Q', 'RNFR sub/with space', '-Q', 'RNTO taken')).text).toContain('550 File exists.')
      expect(readFileSync(join(files(), 'taken'), 'utf8')).toBe('theirs')
    })

    it('keeps every name inside its folder, follows no link, and refuses a wrong password', async () => {
      writeFileSync(local('secret.txt'), 'not yours')
      symlinkSync(local('secret.txt'), join(files(), 'link.txt'))
      expect((await curl('%2e%2e/%2e%2e/secret.txt', '--path-as-is')).text).not.toContain('not yours')
      expect((await curl('link.txt')).text).not.toContain('not yours')
      expect((await curl('link.txt', '-T', 'partner.pem')).code).not.toBe(0)
      expect(readFileSync(local('secret.txt'), 'utf8')).toBe('not yours')
      expect(await curl('', '-u', 'practice:wrong')).toMatchObject({ code: 67, text: expect.stringContaining('530') as string })
    })
  })

  describe.skipIf(lftpPeer.absent)(`at lftp${lftpPeer.note}`, () => {
    const lftp = async (...commands: readonly string[]): Promise<{ code: number; text: string }> =>
      await run('lftp', ['--norc', '-u', `${practice.username},${practice.password}`, '-e', ['set ftp:ssl-force true', 'set ftp:ssl-protect-data true', `set ssl:ca-file ${local('partner.pem')}`, 'set net:max-retries 1', 'set cmd:fail-exit true', ...commands, 'bye'].join('; '), '-p', String(practice.ftps.port), 'ftp://127.0.0.1'])

    it('mirrors a folder there and back, with names as people give them', async () => {
      const names = ['plain.edi', 'with space.txt', 'Überweisung März.xml', "quote'd.txt", 'empty']
      mkdirSync(local('out'), { recursive: true })
      for (const name of names) writeFileSync(join(local('out'), name), name === 'empty' ? '' : randomBytes(200_000))
      const done = await lftp('mirror -R out there', 'mirror there back', 'mv there/plain.edi there/moved.edi', 'rm there/empty')
      expect(done.code, done.text).toBe(0)
      for (const name of names) expect(readFileSync(join(local('back'), name)).equals(readFileSync(join(local('out'), name))), name).toBe(true)
      expect(readdirSync(join(files(), 'there')).toSorted()).toEqual(['Überweisung März.xml', 'moved.edi', "quote'd.txt", 'with space.txt'].toSorted())
    })
  })

  it('knows no FTP without TLS, and nothing may follow AUTH in the clear', async () => {
    expect(await inTheClear(`USER ${practice.username}\r\n`, `PASS ${practice.password}\r\n`, 'EPSV\r\n', 'LIST\r\n')).not.toMatch(/^(230|331|229|150)/m)
    expect(await inTheClear('AUTH TLS\r\nUSER somebody-else\r\n')).toMatch(/^500 /m)
  })

  it('wants data protected, and on the TLS session of the control connection', async () => {
    const line = connectTls({ port: practice.ftps.port, host: '127.0.0.1', socket: await afterAuth(), ca: practice.tlsCertificate })
    const say = async (command: string): Promise<string> => {
      line.write(`${command}\r\n`)
      return String(((await once(line, 'data')) as [Buffer])[0])
    }
    await once(line, 'secureConnect')
    expect(await say(`USER ${practice.username}`)).toMatch(/^331/)
    expect(await say(`PASS ${practice.password}`)).toMatch(/^230/)
    expect(await say('NLST')).toMatch(/^521 /)
    expect(await say('PBSZ 0')).toMatch(/^200/)
    expect(await say('PROT C')).toMatch(/^536 /)
    expect(await say('PROT P')).toMatch(/^200/)
    const port = Number(/\|\|\|(\d+)\|/.exec(await say('EPSV'))?.[1])
    const stranger = connectTls({ port, host: '127.0.0.1', ca: practice.tlsCertificate })
    stranger.on('error', () => undefined)
    expect(`${await say('NLST')}${String(((await once(line, 'data')) as [Buffer])[0])}`).toMatch(/^522 /m)
    stranger.destroy()
    line.destroy()
  })

  async function afterAuth() {
    const socket = connect(practice.ftps.port, '127.0.0.1')
    await once(socket, 'data')
    socket.write('AUTH TLS\r\n')
    await once(socket, 'data')
    return socket
  }
})
