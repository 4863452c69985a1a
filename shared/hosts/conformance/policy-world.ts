/** Installations and servers in this process for the policy's conformance test: everything real but the network, and a clock that can be set. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import http, { type Server } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { SecureVersion } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import ssh2 from 'ssh2'
import type { Delivery, ReceiveReport } from '../../contract/deliveries.ts'
import type { PolicyChange } from '../../contract/policy-document.ts'
import type { Exception, Toleration } from '../../contract/policy.ts'
import { toWireError } from '../../core/kernel/errors.ts'
import { systemClock, type Clock } from '../../core/kernel/clock.ts'
import { as2Partner, context, pair, testStation, type Identity, type TestStation } from '../../core/messages/conformance/station.ts'
import { collect } from '../../core/crypto/cms/opened.ts'
import { generateSshKey } from '../../core/crypto/ssh/index.ts'
import { buildMessage } from '../../core/protocols/as2/message/index.ts'
import { generateSelfSigned, privateKeyPem } from '../../core/crypto/x509/index.ts'
import { serveSftp } from '../../practice/sftp-server.ts'
import { exitOfDelivery, exitOfError, exitOfReceived, type Exit } from '../cli/exit-codes.ts'

/** What came of one try. `exit` as the command line ends. */
export interface Outcome {
  readonly exit: Exit
  /** The delivery that relied on the exception, where something passed. */
  readonly delivery: string | null
}

export interface MovableClock extends Clock {
  advanceDays(days: number): void
}

export function movableClock(): MovableClock {
  let offset = 0
  return {
    now: () => systemClock.now() + offset,
    sleep: async (ms, signal) => await systemClock.sleep(ms, signal),
    advanceDays: (days) => void (offset += days * 86_400_000),
  }
}

export const DAY = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** Everything that a case needs of the installation under test. */
export interface Ground {
  readonly us: TestStation
  readonly clock: MovableClock
  /** Of the partner on whose policy the case works. */
  readonly partner: string
  /** Another name each time: the same file is never sent twice. */
  fileName(): string
  end(): Promise<void>
}

let files = 0
export const fileName = (): string => `f${++files}.edi`

export async function sent(us: TestStation, partner: string): Promise<Outcome> {
  const name = fileName()
  try {
    const { results } = await us.handlers().deliveries.send({ partner, files: [{ source: { path: us.file(name, name) } }] }, context)
    const [result] = results
    if (!result?.delivery) return { exit: result?.error ? exitOfError(result.error) : 1, delivery: null }
    const { deliveries } = await us.handlers().deliveries.wait({ ids: [result.delivery.id] }, context)
    const [delivery] = deliveries as Delivery[]
    return { exit: delivery === undefined ? 1 : exitOfDelivery(delivery), delivery: delivery?.id ?? null }
  } catch (error) {
    return { exit: exitOfError(toWireError(error)), delivery: null }
  }
}

export async function received(us: TestStation, partner: string): Promise<Outcome> {
  try {
    const { taken } = (await us.handlers().deliveries.receive({ partner }, context)) as ReceiveReport
    const [delivery] = taken
    return { exit: delivery === undefined ? 1 : exitOfReceived(delivery), delivery: delivery?.id ?? null }
  } catch (error) {
    return { exit: exitOfError(toWireError(error)), delivery: null }
  }
}

/** Sets what differs for a partner; its connections and exceptions stay. */
export function setPolicy(us: TestStation, partner: string, document: PolicyChange): void {
  void us.handlers().policy.apply({ partner, document }, context)
}

export function except({ us, clock, partner }: Pick<Ground, 'us' | 'clock' | 'partner'>, allow: Toleration): void {
  const exception: Exception = { allow, reason: 'they update next week', owner: 'M. Ito', until: DAY(clock.now()) }
  void us.handlers().policy.addException({ partner, exception }, context)
}

/** The findings about refusals that are open for a partner now. */
export async function refusals(us: TestStation, partner: string): Promise<string[]> {
  await us.handlers().posture.evaluate({}, context)
  const { findings } = await us.handlers().posture.list({ partner, code: 'policy_refused', limit: 100 }, context)
  return findings.map(({ message }) => message)
}

/** Two installations that exchange AS2 messages; `us` keeps the policy, both run on the same clock. */
export async function as2Ground(identity?: Identity): Promise<Ground & { readonly them: TestStation; apply(change: Record<string, unknown>, theirs?: Record<string, unknown>): void }> {
  const clock = movableClock()
  const us = await testStation('US', { clock })
  const them = await testStation('THEM', { clock, ...(identity === undefined ? {} : { identity }) })
  await pair(us, them)
  const addressOf = (station: TestStation): string => (station.handlers().as2.receiver({}, context) as { address: string | null }).address ?? ''
  return {
    us, them, clock, partner: 'right', fileName,
    apply(change, theirs = {}) {
      us.partner(as2Partner('right', them.as2Id, addressOf(them), change))
      them.partner(as2Partner('left', us.as2Id, addressOf(us), theirs))
    },
    async end() {
      await us.close()
      await them.close()
    },
  }
}

/** What came of a message that they sent: taken over, or refused for the policy. A receiver has no exit code; 4 stands for "refused for trust or policy". */
export async function arrived(us: TestStation, them: TestStation): Promise<Outcome> {
  const before = new Set(us.received().map(({ id }) => id))
  const name = fileName()
  await them.send('left', them.file(name, name))
  const fresh = us.received().find(({ id }) => !before.has(id))
  if (fresh !== undefined) return await released(us, fresh.id)
  const { entries } = await us.handlers().as2.inbound({ limit: 1 }, context)
  return { exit: entries[0]?.state === 'refused' ? 4 : 1, delivery: null }
}

/** The receipt is answered before the file stands in the Inbox; what comes next in a test must not overtake it. */
async function released(us: TestStation, id: string): Promise<Outcome> {
  for (let tries = 0; tries < 3000; tries++) {
    if (us.received().find((delivery) => delivery.id === id)?.state === 'delivered') return { exit: 0, delivery: id }
    await sleep(10)
  }
  throw new Error(`${id} was taken over and never released`)
}

/** A message of theirs that a program of less care than ours signed. */
export async function arrivedSignedBy(signer: Identity, us: TestStation, them: TestStation): Promise<Outcome> {
  const before = us.received().length
  const name = fileName()
  const built = buildMessage({ as2From: them.as2Id, as2To: us.as2Id, payloads: [{ source: [Buffer.from(name)], contentType: 'application/edi-x12', fileName: name }], sign: { signer }, encrypt: { recipients: [{ certificate: us.identity.certificate }], cipher: 'aes-256-cbc' }, receipt: { signed: true, to: 'them' } })
  const body = await collect(built.body, 2 ** 20)
  const { address } = await us.handlers().as2.receiver({}, context)
  await fetch(address ?? '', { method: 'POST', headers: built.headers.map(([key, value]) => [key, value]), body: Buffer.from(body) })
  const [newest] = us.received()
  if (newest !== undefined && us.received().length > before) return await released(us, newest.id)
  const { entries } = await us.handlers().as2.inbound({ limit: 1 }, context)
  return { exit: entries[0]?.state === 'refused' ? 4 : 1, delivery: null }
}

export interface TlsServer {
  readonly url: string
  readonly certificate: string
  close(): void
}

/** Takes every AS2 message and gives no receipt. */
export async function startTaker(options: { readonly maxVersion?: SecureVersion; readonly ciphers?: string; readonly asksForCertificate?: boolean } | 'plain'): Promise<TlsServer> {
  const identity = await generateSelfSigned({ subject: { commonName: 'localhost' }, key: 'rsa-2048', usage: 'tls' })
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => void request.resume().on('end', () => response.writeHead(204).end())
  const server: Server = options === 'plain' ? http.createServer(answer) : https.createServer({ cert: identity.certificate.pem(), key: privateKeyPem(identity.privateKey), ...(options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion }), ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }), ...(options.asksForCertificate === true ? { requestCert: true, rejectUnauthorized: false } : {}) }, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    // Every interface's address leads to this computer, and only the loopback one says so.
    url: options === 'plain' ? `http://0.0.0.0:${port}/as2` : `https://localhost:${port}/as2`,
    certificate: identity.certificate.pem(),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export interface SshServer {
  readonly port: number
  readonly hostKey: string
  close(): Promise<void>
}

/** A real SSH server with the algorithms and the host key that are asked for. */
export async function startSsh(folder: string, options: { readonly algorithms?: ssh2.ServerConfig['algorithms']; readonly rsaHostKey?: boolean }): Promise<SshServer> {
  const key = options.rsaHostKey === true ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() : generateSshKey('ed25519', '').privateKey
  const parsed = ssh2.utils.parseKey(key)
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error('no host key')
  const connections = new Set<ssh2.Connection>()
  const server = new ssh2.Server({ hostKeys: [key], ...(options.algorithms === undefined ? {} : { algorithms: options.algorithms }) }, (connection) => {
    connections.add(connection)
    connection.on('error', () => undefined)
    connection.on('authentication', (attempt) => (attempt.method === 'none' ? attempt.reject(['password', 'publickey']) : attempt.accept()))
    connection.on('session', (accept) => accept().on('sftp', (acceptSftp) => serveSftp(acceptSftp(), folder)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`,
    async close() {
      // Sessions rest for a while in case another file comes.
      for (const connection of connections) connection.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** A folder below the installation's own, removed with it. */
export function newFolder(us: TestStation, name: string): string {
  const folder = join(us.folder, '..', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

export function put(folder: string, content: Uint8Array): string {
  const name = fileName()
  writeFileSync(join(folder, name), content)
  return name
}
