/** Checksums by a real shell and real programs, without a server around them: which are asked, and what is believed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createServerHash, type ProgramChannel, type RemotePrograms, type ServerHash } from './server-hash.ts'

const LARGE = 4 * 1024 * 1024
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const placeOf = (program: string): string => execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()

/** What a server does with `exec`, as far as checksums need it. */
function shellWith(path: string, started: ChildProcess[]): RemotePrograms {
  return {
    exec(command, answer) {
      const child = spawn(placeOf(command), [], { env: { PATH: path } })
      started.push(child)
      const channel: ProgramChannel = {
        on: (event: string, heard: (data: Buffer) => void) => (event === 'data' ? child.stdout.on('data', heard) : child.on(event, heard)),
        stderr: child.stderr,
        write: (text) => child.stdin.write(text),
        close: () => child.stdin.end(),
      }
      answer(undefined, channel)
    },
  }
}

describe.runIf(process.platform === 'linux')('checksums by the server', () => {
  let home: string
  const started: ChildProcess[] = []
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'waybill-hash-'))
    mkdirSync(join(home, 'bin'))
  })
  afterEach(() => {
    for (const child of started.splice(0)) child.kill()
    rmSync(home, { recursive: true, force: true })
  })
  const file = (name: string): string => {
    writeFileSync(join(home, name), name)
    return join(home, name)
  }
  /** A program that notes that it was asked, and then does what is said. */
  const program = (name: string, script: string): void => {
    writeFileSync(join(home, 'bin', name), `#!${placeOf('sh')}\necho ${name} >> '${join(home, 'asked')}'\n${script}\n`)
    chmodSync(join(home, 'bin', name), 0o755)
  }
  const real = (name: string): void => program(name, `exec ${placeOf(name)} "$@"`)
  const server = (): ServerHash => createServerHash(shellWith(join(home, 'bin'), started))
  const asked = (): string[] => readFileSync(join(home, 'asked'), 'utf8').trim().split('\n')

  it('come from OpenSSL where that is faster, from sha256sum where starting it takes longer', async () => {
    real('openssl')
    real('sha256sum')
    const hashes = server()
    expect(await hashes.of(file('small'), 10_000)).toBe(sha256('small'))
    expect(await hashes.of(file('unknown'))).toBe(sha256('unknown'))
    expect(asked()).toEqual(['sha256sum', 'sha256sum'])
    expect(await hashes.of(file('large'), LARGE)).toBe(sha256('large'))
    expect(asked()).toEqual(['sha256sum', 'sha256sum', 'openssl'])
  })

  it('come from the one that is there', async () => {
    symlinkSync(placeOf('sha256sum'), join(home, 'bin', 'sha256sum'))
    expect(await server().of(file('large'), LARGE)).toBe(sha256('large'))
    rmSync(join(home, 'bin', 'sha256sum'))
    expect(await server().of(file('small'), 10)).toBeNull()
    symlinkSync(placeOf('openssl'), join(home, 'bin', 'openssl'))
    expect(await server().of(file('small'), 10)).toBe(sha256('small'))
  })

  it.each([
    ['refuses', 'exit 1'],
    ['prints another form', 'echo "SHA2-256($4)= $(printf %064d 0)"'],
    ['prints another digest', 'echo "$(printf %040d 0) *$4"'],
    ['prints another name', 'echo "$(printf %064d 0) *other"'],
  ])('come from sha256sum when OpenSSL %s', async (_, script) => {
    program('openssl', script)
    real('sha256sum')
    const hashes = server()
    expect(await hashes.of(file('one'), LARGE)).toBe(sha256('one'))
    expect(await hashes.of(file('two'), LARGE)).toBe(sha256('two'))
    expect(asked()).toEqual(['openssl', 'sha256sum', 'sha256sum'])
  })

  it('belong to their files, whatever these are called', async () => {
    real('openssl')
    real('sha256sum')
    const names = ["it's", '-r', '$(id) `id`', 'two  spaces', 'back\\slash', `new\nline ${'0'.repeat(64)} *${join(home, "it's")}`.replaceAll('/', '_'), 'Grüße', '*', 'waybill-done']
    const hashes = server()
    expect(await Promise.all(names.map(async (name) => await hashes.of(file(name), LARGE)))).toEqual(names.map(sha256))
    expect(await hashes.of(join(home, 'absent'), LARGE)).toBeNull()
    expect(await hashes.of(file('after'), LARGE)).toBe(sha256('after'))
  })

  it('leave the shell in order when a program reads what it is given', async () => {
    program('openssl', 'cat')
    real('sha256sum')
    symlinkSync(placeOf('cat'), join(home, 'bin', 'cat'))
    const hashes = server()
    hashes.prepare()
    expect(await hashes.of(file('one'), LARGE)).toBe(sha256('one'))
    expect(await hashes.of(file('two'), 1)).toBe(sha256('two'))
  })
})
