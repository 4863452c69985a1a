/** GnuPG with a home of its own. The path is short because its agent listens on a socket inside. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Gnupg {
  readonly home: string
  /** Runs gpg; answers standard output. Throws with its standard error. */
  run(args: readonly string[], input?: Uint8Array | string): Buffer
  /** Runs gpg at another time: `2026-01-31T12:00:00Z`. */
  runAt(time: string, args: readonly string[], input?: Uint8Array | string): Buffer
  /** Runs gpg and answers what it said, whether it agreed or not. */
  ask(args: readonly string[], input?: Uint8Array | string): { readonly status: number; readonly output: Buffer; readonly said: string }
  /** Generates from gpg's batch parameters; answers the fingerprint. */
  generate(parameters: string, time?: string): string
  stop(): void
}

export function startGnupg(): Gnupg {
  const home = mkdtempSync('/tmp/wbg-')
  // what is tested is the format, so nothing may depend on a web of trust
  writeFileSync(join(home, 'gpg.conf'), 'batch\nyes\nno-tty\nno-greeting\ntrust-model always\nno-auto-key-retrieve\npinentry-mode loopback\npassphrase ""\ns2k-count 65536\n')
  // a protected key may be guessed quickly here, so that a test need not wait
  writeFileSync(join(home, 'gpg-agent.conf'), 's2k-count 65536\n')
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: 'C' }
  const limits = { env, maxBuffer: 2 ** 28, timeout: 300_000 }
  const ask: Gnupg['ask'] = (args, input) => {
    const { status, stdout, stderr } = spawnSync('gpg', ['--homedir', home, ...args], { ...limits, ...(input === undefined ? {} : { input }) })
    return { status: status ?? -1, output: stdout, said: stderr.toString() }
  }
  const run: Gnupg['run'] = (args, input) => {
    const { status, output, said } = ask(args, input)
    if (status !== 0) throw new Error(`gpg ${args.join(' ')}: ${said}`)
    return output
  }
  const runAt: Gnupg['runAt'] = (time, args, input) => run(['--faked-system-time', `${time.replaceAll(/[-:]|\.\d+|Z$/g, '')}!`, ...args], input)
  return {
    home, run, runAt, ask,
    generate(parameters, time) {
      const text = `%no-protection\n${parameters}\n%commit\n`
      const args = ['--status-fd', '1', '--generate-key']
      const status = (time === undefined ? run(args, text) : runAt(time, args, text)).toString()
      const fingerprint = /KEY_CREATED \w ([0-9A-F]{40})/.exec(status)?.[1]
      if (fingerprint === undefined) throw new Error(`gpg made no key: ${status}`)
      return fingerprint
    },
    stop() {
      try {
        execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], limits)
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    },
  }
}
