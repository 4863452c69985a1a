/** Opens and proves one SSH connection: to the partner's server, or to the jump host before it. Nothing is sent to a host that is not proved. */
import { createSecretKey } from 'node:crypto'
import type { Duplex } from 'node:stream'
import ssh2, { type Client, type ConnectConfig, type NegotiatedAlgorithms } from 'ssh2'
import type { PresentedHostKey } from '../../../contract/partners.ts'
import { asAppError, type AppError } from '../../kernel/errors.ts'
import type { LinePolicy, ObservedCrypto } from '../file-protocol.ts'
import { offeredAlgorithms } from './algorithms.ts'
import { expectCertificates } from './certified-host.ts'
import { connectError } from './errors.ts'
import { judgeHostKey, refusalOf, type HostTrust } from './host-key.ts'
import { dial } from './line.ts'
import { createSignIn, type Account } from './sign-in.ts'

/** What happened on the way, told as it happens. */
export interface ConnectObserver {
  /** The line to the server stands. */
  connected?(): void
  hostKey?(presented: PresentedHostKey): void
  /** The key exchange is done with a host that proved itself. */
  handshake?(observed: ObservedCrypto): void
}

export interface SshTarget {
  /** `the server`, `the jump host`: for messages. */
  readonly who: string
  readonly host: string
  readonly port: number
  readonly account: Omit<Account, 'sha1'>
  readonly trust: HostTrust
  readonly tolerated: readonly string[]
  readonly policy?: LinePolicy | undefined
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  /** A line that stands already; left out: a TCP connection of its own. */
  readonly line?: Duplex
}

export interface OpenSsh {
  readonly ssh: Client
  readonly observed: ObservedCrypto
}

/** Rejects with an AppError (`net.*`, `sftp.*`, `remote.auth_refused`) or with the signal's reason. */
export async function openSsh(target: SshTarget, observer: ConnectObserver, signal: AbortSignal): Promise<OpenSsh> {
  signal.throwIfAborted()
  const address = `${target.host}:${target.port}`
  const ssh = new ssh2.Client()
  const offers: Record<string, string> = {}
  const facts: Record<string, string> = {}
  let refusal: AppError | null = null
  const signIn = await createSignIn({ ...target.account, sha1: target.tolerated.includes('ssh-rsa') }, () => ssh.end())
  if (signIn.key !== null) facts['signInKey'] = signIn.key

  if (target.trust.authorities.length > 0) expectCertificates(ssh)
  ssh.on('connect', () => {
    // Small writes would each wait for the one before (Nagle): seven times slower on a fast line.
    ssh.setNoDelay(true)
    observer.connected?.()
  })
  const { line, readInPlace } = target.line === undefined ? dial(target) : { line: target.line, readInPlace: () => undefined }
  ssh.on('handshake', (negotiated) => {
    Object.assign(facts, factsOf(negotiated))
    if (prepareKeys(ssh)) readInPlace()
    try {
      target.policy?.permit(facts)
      observer.handshake?.({ ...facts })
    } catch (error) {
      // Before anybody signs in.
      refusal ??= asAppError(error)
      ssh.destroy()
    }
  })
  let heard = ''
  line.once('data', (chunk: Buffer) => (heard = chunk.toString('latin1', 0, 200)))
  const config: ConnectConfig = {
    host: target.host,
    port: target.port,
    sock: line,
    username: target.account.username,
    authHandler: (left, partial, next) => signIn.next(left, partial, next as never),
    algorithms: offeredAlgorithms(target.trust, target.tolerated, target.policy?.ssh),
    readyTimeout: target.connectTimeoutMs,
    keepaliveInterval: Math.max(1000, Math.floor(target.idleTimeoutMs / 3)),
    keepaliveCountMax: 3,
    hostVerifier: (blob: Buffer) => {
      const presented = judgeHostKey(blob, target.trust, Date.now())
      Object.assign(facts, hostFacts(presented))
      observer.hostKey?.(presented)
      refusal = refusalOf(presented, target.who)
      return refusal === null
    },
    debug: (line: string) => noteOffer(line, offers, facts),
  }

  const onAbort = (): void => void ssh.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await ready(ssh, config)
    return { ssh, observed: { ...facts, authMethod: target.account.auth.method, authUsed: signIn.used() } }
  } catch (error) {
    // Errors that come after the first are of no interest, but must not end the process.
    ssh.on('error', () => undefined)
    ssh.destroy()
    signal.throwIfAborted()
    throw refusal ?? signIn.refusal() ?? connectError(error, address, offers, heard)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * The library makes a cipher for each packet from the key's bytes, which the runtime must examine every time: ten times dearer than from
 * a key that it has examined. Where the library's inside looks otherwise, nothing happens. True for GCM, whose output is new memory.
 */
function prepareKeys(ssh: Client): boolean {
  const protocol: unknown = Reflect.get(ssh, '_protocol')
  let prepared = 0
  for (const [holder, field] of [['_cipher', '_encKey'], ['_decipher', '_decipherKey']] as const) {
    const cipher: unknown = Reflect.get(Object(protocol), holder)
    const key: unknown = Reflect.get(Object(cipher), field)
    if (!Buffer.isBuffer(key)) continue
    Reflect.set(Object(cipher), field, createSecretKey(key))
    prepared += 1
  }
  return prepared === 2
}

async function ready(ssh: Client, config: ConnectConfig): Promise<void> {
  const settled = new AbortController()
  const once = (event: 'ready' | 'error' | 'close', action: (error: Error) => void): void => {
    ssh.on(event as 'error', action)
    settled.signal.addEventListener('abort', () => ssh.removeListener(event, action), { once: true })
  }
  try {
    await new Promise<void>((resolve, reject) => {
      once('ready', () => resolve())
      once('error', reject)
      once('close', () => reject(new Error('the server or the line ended the connection')))
      ssh.connect(config)
    })
  } finally {
    settled.abort()
  }
}

function factsOf(negotiated: NegotiatedAlgorithms): Record<string, string> {
  const { kex, serverHostKey, cs, sc } = negotiated
  return {
    kex,
    hostKeySignature: serverHostKey,
    cipher: cs.cipher === sc.cipher ? cs.cipher : `${cs.cipher} / ${sc.cipher}`,
    // The AEAD ciphers authenticate by themselves.
    mac: cs.mac === '' || cs.mac === undefined ? 'implicit' : cs.mac,
    compression: cs.compress,
  }
}

function hostFacts({ algorithm, bits, fingerprint, certificate, verdict }: PresentedHostKey): Record<string, string> {
  const key = { hostKeyAlgorithm: algorithm, hostKeyFingerprint: fingerprint, hostKey: bits === null ? algorithm : `${algorithm} ${bits}` }
  if (certificate === null || verdict !== 'certified') return key
  return { ...key, hostCertificate: certificate.keyId, hostCertificateSerial: certificate.serial, hostAuthority: certificate.authority }
}

/** The library tells both sides' offers and the server's greeting only in its debug lines. */
function noteOffer(line: string, offers: Record<string, string>, facts: Record<string, string>): void {
  const offer = /Handshake: \((local|remote)\) (KEX method|Host key format|C->S cipher|C->S MAC): (.*)$/.exec(line)
  if (offer) offers[`${offer[1] === 'local' ? 'we offered' : 'the server offered'} (${offer[2] ?? ''})`] = (offer[3] ?? '').slice(0, 600)
  const ident = /Remote ident: '(SSH-[^']{1,200})'/.exec(line)?.[1]
  if (ident !== undefined) facts['serverSoftware'] = ident
}
