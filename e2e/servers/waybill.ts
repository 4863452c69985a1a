/** The command line as a user runs it, from the built core, each call a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { openWithPassphrase, readEnvelope, wrapByPassphrase, writeEnvelope } from '../../shared/core/workspace/envelope.ts'
import type { Sshd } from './sshd.ts'

const ENTRY = join(import.meta.dirname, '../../dist/core/waybill.js')
export const PASSPHRASE = 'correct horse battery'

export interface CommandResult {
  readonly exit: number | null
  readonly out: string
  readonly err: string
  /** The document on standard output; throws when it is not exactly one. */
  json<T = Record<string, unknown>>(): T
}

export interface Installation {
  readonly workspace: string
  /** A folder for files of the test. */
  readonly files: string
  run(...args: string[]): Promise<CommandResult>
  start(...args: string[]): ChildProcess
  /** Writes a file for the test and answers its path. */
  file(name: string, content: string | Uint8Array): string
  remove(): void
}

export function collect(child: ChildProcess): Promise<CommandResult> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (data: Buffer) => out.push(data))
  child.stderr?.on('data', (data: Buffer) => err.push(data))
  return new Promise((resolve) => {
    child.on('close', (exit) => {
      const text = Buffer.concat(out).toString('utf8')
      resolve({ exit, out: text, err: Buffer.concat(err).toString('utf8'), json: <T>() => JSON.parse(text) as T })
    })
  })
}

/** A fresh place with a passphrase and without a keychain. */
export function newInstallation(env: Readonly<Record<string, string>> = {}): Installation {
  const home = mkdtempSync(join(tmpdir(), 'waybill-e2e-'))
  const workspace = join(home, 'workspace')
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [ENTRY, '--workspace', workspace, ...args], {
      cwd: home,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A sixth of a start is the reading of our own code: it is read once for all.
      env: { PATH: process.env['PATH'], HOME: home, TMPDIR: tmpdir(), WAYBILL_PASSPHRASE: PASSPHRASE, NODE_COMPILE_CACHE: join(tmpdir(), `waybill-e2e-code-${process.getuid?.() ?? 0}`), ...env },
    })
  return {
    workspace,
    files: home,
    start,
    run: async (...args) => {
      const child = start(...args)
      child.stdin?.end()
      const done = await collect(child)
      if (args.includes('init') && done.exit === 0 && (env['WAYBILL_PASSPHRASE'] ?? PASSPHRASE) === PASSPHRASE) await cheapenPassphrase(workspace)
      return done
    },
    file(name, content) {
      const path = join(home, name)
      writeFileSync(path, content)
      return path
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** Half of a start was the derivation of the key from the passphrase: here it costs next to nothing, and guards nothing. */
async function cheapenPassphrase(workspace: string): Promise<void> {
  const envelope = await readEnvelope(workspace)
  if (envelope === null) return
  const passphrase = await wrapByPassphrase(envelope.id, await openWithPassphrase(envelope, PASSPHRASE), PASSPHRASE, { n: 16, r: 8, p: 1 })
  await writeEnvelope(workspace, { ...envelope, passphrase })
}

/** A partner document for a private server. */
export function partnerFor(sshd: Sshd, change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'acme',
    name: 'Acme GmbH',
    connections: [
      {
        id: 'sftp',
        protocol: 'sftp',
        host: '127.0.0.1',
        port: sshd.port,
        username: sshd.username,
        auth: { method: 'key', privateKey: sshd.privateKey },
        folder: sshd.folder,
        hostKeys: [sshd.fingerprints.ed25519],
        ...change,
      },
    ],
  }
}

/** Runs a command that must end well. */
export async function must(installation: Installation, ...args: string[]): Promise<CommandResult> {
  const done = await installation.run(...args)
  if (done.exit !== 0) throw new Error(`${args.join(' ')} ended with ${done.exit}: ${done.err}${done.out}`)
  return done
}

/** Gives the installation a workspace: a copy of the one that `init` made for the whole run, so that two of them have the same key. */
export function givenWorkspace(installation: Installation): void {
  const { workspace } = installation
  cpSync(inject('emptyWorkspace'), workspace, { recursive: true })
  // A copy of a folder is open to everybody, and Waybill would say so.
  for (const name of ['.', ...readdirSync(workspace, { recursive: true, encoding: 'utf8' })]) if (statSync(join(workspace, name)).isDirectory()) chmodSync(join(workspace, name), 0o700)
}

/** A workspace with one partner; throws when that cannot be applied. */
export async function setUp(installation: Installation, document: unknown): Promise<void> {
  givenWorkspace(installation)
  await must(installation, 'partner', 'apply', installation.file('partner.json', JSON.stringify(document)))
}
