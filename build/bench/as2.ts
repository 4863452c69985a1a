/**
 * AS2 end to end between two processes of ours: MiB/s for one large file, messages a second for small ones with signed synchronous
 * receipts, and the memory that both need. `node build/bench/as2.ts [--mib 256] [--messages 1000] [--batches 3] [--commands 1] [--parallel 16]`, after
 * `npm run build`. `--profile DIR` leaves processor profiles of both services there, `--profile perf` the names that perf needs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { as2Pair, type Service } from '../../e2e/servers/as2-pair.ts'

const { values } = parseArgs({ options: { mib: { type: 'string', default: '256' }, messages: { type: 'string', default: '1000' }, parallel: { type: 'string', default: '16' }, batches: { type: 'string', default: '3' }, commands: { type: 'string', default: '1' }, profile: { type: 'string' } } })
const MIB = Number(values.mib)
const MESSAGES = Number(values.messages)
const COMMANDS = Number(values.commands)
/** Where both services leave their processor profiles when they end. */
const profiled: Record<string, string> = values.profile === undefined ? {} : values.profile === 'perf' ? { NODE_OPTIONS: '--perf-basic-prof --interpreted-frames-native-stack' } : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${values.profile}` }

/** Peak resident memory of a process in MiB (Linux). */
function peakOf(service: Service): number {
  const status = readFileSync(`/proc/${service.process.pid ?? 0}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** Processor time of a process in seconds (Linux, 100 ticks a second): what a busy machine does not distort. */
function processorTimeOf(service: Service): number {
  const fields = readFileSync(`/proc/${service.process.pid ?? 0}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Command lines with many files each, begun together; the first batch runs on code that is not compiled yet. */
async function sendBatch(batch: number): Promise<void> {
  const lists = Array.from({ length: COMMANDS }, (_, command) => {
    const folder = join(left.here.files, `small-${batch}-${command}`)
    mkdirSync(folder)
    return Array.from({ length: MESSAGES }, (_, index) => join(folder, `m${batch}-${command}-${index}.edi`))
  })
  for (const name of lists.flat()) writeFileSync(name, randomBytes(10_240))
  const sent = MESSAGES * COMMANDS
  const before = services.map(processorTimeOf)
  const began = performance.now()
  const ends = await Promise.all(lists.map(async (names) => await left.here.run('--json', 'send', 'acme', ...names)))
  const seconds = (performance.now() - began) / 1000
  const each = services.map((service, index) => ((processorTimeOf(service) - (before[index] ?? 0)) * 1000) / sent)
  const bad = ends.find(({ exit }) => exit !== 0)
  if (bad !== undefined) throw new Error(`small messages: ${bad.err.slice(0, 2000)}`)
  say(`${sent} messages of 10 KiB, signed, encrypted, signed receipt: ${(sent / seconds).toFixed(0)} a second (${seconds.toFixed(1)} s, copying in included)`)
  say(`  processor time a message: sender ${(each[0] ?? 0).toFixed(1)} ms, receiver ${(each[1] ?? 0).toFixed(1)} ms; one RSA-2048 signature ${signatureTime().toFixed(2)} ms`)
}

/** How many times a second `openssl cms` signs, encrypts, decrypts and verifies such a message, two side by side; nothing is sent, kept or receipted. */
async function opensslRate(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-bench-'))
  try {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=bench', '-days', '2'], { cwd: folder, stdio: 'ignore' })
    writeFileSync(join(folder, 'content'), randomBytes(10_240))
    const each = 'openssl cms -sign -binary -nodetach -outform DER -md sha256 -in content -signer cert.pem -inkey key.pem | openssl cms -encrypt -binary -outform DER -aes-256-cbc cert.pem | openssl cms -decrypt -binary -inform DER -inkey key.pem -recip cert.pem | openssl cms -verify -binary -inform DER -CAfile cert.pem -purpose any -out /dev/null'
    const loop = `for i in $(seq 25); do ${each}; done`
    const began = performance.now()
    await Promise.all([0, 1].map(async () => await once(spawn('bash', ['-c', loop], { cwd: folder, stdio: 'ignore' }), 'exit')))
    return 50_000 / (performance.now() - began)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Milliseconds of one RSA-2048 signature: how fast this machine is at this moment. */
function signatureTime(): number {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const began = process.cpuUsage()
  for (let count = 0; count < 200; count++) sign('sha256', Buffer.alloc(100), privateKey)
  return process.cpuUsage(began).user / 200_000
}

const pair = await as2Pair({ maxConnections: Number(values.parallel), inbound: { maxParallel: Number(values.parallel) * 2, maxBytes: 4 * 1024 ** 3 } }, profiled)
const { left, right } = pair
const services: Service[] = []
try {
  // The sender runs as a service too: the command line hands files over to it.
  services.push(await left.serve(), await right.serve())

  if (MESSAGES > 0) {
    const warm = await left.here.run('send', 'acme', left.here.file('warm.edi', randomBytes(10_240)))
    if (warm.exit !== 0) throw new Error(warm.err)
    for (let batch = 1; batch <= Number(values.batches); batch++) await sendBatch(batch)
    say(`beside it, openssl signing, encrypting, decrypting and verifying alone: ${(await opensslRate()).toFixed(0)} a second`)
  }

  if (MIB > 0) {
    const path = join(left.here.files, 'large.bin')
    const file = openSync(path, 'w')
    const digest = createHash('sha256')
    for (let written = 0; written < MIB; written++) {
      const block = randomBytes(1024 * 1024)
      digest.update(block)
      writeSync(file, block)
    }
    closeSync(file)
    const began = performance.now()
    const { exit, err } = await left.here.run('send', 'acme', path)
    const seconds = (performance.now() - began) / 1000
    if (exit !== 0) throw new Error(`large file: ${err.slice(0, 2000)}`)
    say(`${MIB} MiB, signed and encrypted, signed receipt: ${(MIB / seconds).toFixed(1)} MiB/s end to end (${seconds.toFixed(1)} s: copied in, built, posted, opened, released)`)
    rmSync(path)
  }
  const [sender, receiver] = services
  if (sender !== undefined && receiver !== undefined) say(`peak resident memory: sender ${peakOf(sender).toFixed(0)} MiB, receiver ${peakOf(receiver).toFixed(0)} MiB`)
} finally {
  for (const { process: child } of services) child.kill('SIGTERM')
  for (const { ended } of services) await ended
  pair.remove()
}
