/** A partner for every file protocol, with a real server, seen from the partner's side: what the protocols must have in common is said once. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ftpsConnectionFor, type FtpsServer } from './ftps.ts'
import { findPeer, type Peer } from './peers.ts'
import { startProftpd } from './proftpd.ts'
import { radosgwPeer, startRadosgw } from './radosgw.ts'
import { createBucket, type S3Server } from './s3.ts'
import { startSshd } from './sshd.ts'
import { startVersitygw, versitygwPeer } from './versitygw.ts'
import { startVsftpd, vsftpdPeer } from './vsftpd.ts'

/** One of the partner's folders. */
export interface Side {
  /** Everything in it, hidden and unfinished things too. */
  names(): Promise<string[]>
  /** SHA-256 of the content; null when there is nothing of that name. */
  hash(name: string): Promise<string | null>
  read(name: string): Promise<Buffer>
  put(name: string, content: Uint8Array): Promise<void>
  clear(): Promise<void>
}

export interface FilePartner {
  /** Partner `acme` with one connection that sends, collects, and deletes what it has collected; `change` goes into the connection. */
  document(change?: Readonly<Record<string, unknown>>): Record<string, unknown>
  /** Where our files go. */
  readonly sent: Side
  /** Where the partner offers files. */
  readonly offered: Side
  /** Offers what came, instead of keeping it. */
  giveBack(name: string): Promise<void>
  /** Sign-ins so far; null where the protocol has none. */
  signIns(): Promise<number | null>
  /** Where it listens, and how it is killed and started again; null where there is no server. */
  readonly server: { readonly port: number; restart(): Promise<void> } | null
  /** Where our files really are; null where that is no folder. */
  readonly folder: string | null
  stop(): Promise<void>
}

export interface FilePartnerKind {
  readonly name: string
  readonly peer: Peer
  /** `dataPorts`: those of an FTPS server. */
  open(options?: { readonly dataPorts?: readonly number[] }): Promise<FilePartner>
}

/** In the order in which they are quick. */
export const FILE_PARTNERS: readonly FilePartnerKind[] = [
  { name: 'a folder', peer: { path: null, absent: false, note: '' }, open: openFolder },
  { name: 'SFTP at OpenSSH', peer: findPeer('sshd'), open: openSftp },
  { name: 'FTPS at vsftpd', peer: vsftpdPeer(), open: async (options = {}) => openFtps(await startVsftpd(options), /OK LOGIN/g) },
  { name: 'FTPS at ProFTPD', peer: findPeer('proftpd'), open: async (options = {}) => openFtps(await startProftpd({ ...options, mode: 'implicit' }), /PASS \(hidden\)/g) },
  { name: 'S3 at Versity', peer: versitygwPeer(), open: async () => await openS3(await startVersitygw()) },
]

/** Takes ten seconds to start, so it is not with the others. */
export const RADOSGW_PARTNER: FilePartnerKind = { name: 'S3 at radosgw', peer: radosgwPeer(), open: async () => await openS3(await startRadosgw()) }

async function hashOf(content: AsyncIterable<unknown>): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of content) digest.update(chunk as Uint8Array)
  return digest.digest('hex')
}

/** Written under another name first, as partners should. */
function onDisk(folder: string): Side {
  mkdirSync(folder, { recursive: true })
  const at = (name: string): string => join(folder, name)
  return {
    names: async () => await Promise.resolve(readdirSync(folder).toSorted()),
    hash: async (name) => (existsSync(at(name)) ? await hashOf(createReadStream(at(name), { highWaterMark: 1024 * 1024 })) : null),
    read: async (name) => await Promise.resolve(readFileSync(at(name))),
    async put(name, content) {
      writeFileSync(at(`.${name}.part`), content)
      await Promise.resolve(renameSync(at(`.${name}.part`), at(name)))
    },
    clear: async () => await Promise.resolve(readdirSync(folder).forEach((name) => rmSync(at(name), { recursive: true }))),
  }
}

const partner = (connection: Readonly<Record<string, unknown>>): Record<string, unknown> => ({ id: 'acme', name: 'Acme GmbH', connections: [connection] })
const collecting = (folder: string): Record<string, unknown> => ({ receive: { folder, stableSeconds: 0, after: 'delete' } })
const occurrences = (text: string, what: RegExp): number => text.match(what)?.length ?? 0

const moving = (from: string, to: string) => async (name: string): Promise<void> => await Promise.resolve(renameSync(join(from, name), join(to, name)))

async function openFolder(): Promise<FilePartner> {
  const share = mkdtempSync(join(tmpdir(), 'waybill-share-'))
  const [sent, offered] = [onDisk(join(share, 'in')), onDisk(join(share, 'out'))]
  return await Promise.resolve({
    document: (change = {}) => partner({ id: 'folder', protocol: 'folder', path: share, folder: 'in', ...collecting('out'), ...change }),
    sent,
    offered,
    giveBack: moving(join(share, 'in'), join(share, 'out')),
    signIns: async () => await Promise.resolve(null),
    server: null,
    folder: join(share, 'in'),
    stop: async () => await Promise.resolve(rmSync(share, { recursive: true, force: true })),
  })
}

async function openSftp(): Promise<FilePartner> {
  const sshd = await startSshd()
  const [into, from] = [join(sshd.folder, 'in'), join(sshd.folder, 'out')]
  const { port, username, privateKey, fingerprints } = sshd
  return {
    document: (change = {}) => partner({ id: 'sftp', protocol: 'sftp', host: '127.0.0.1', port, username, auth: { method: 'key', privateKey }, hostKeys: [fingerprints.ed25519], folder: into, ...collecting(from), ...change }),
    sent: onDisk(into),
    offered: onDisk(from),
    giveBack: moving(into, from),
    signIns: async () => occurrences(await sshd.finalLog(), /Accepted publickey/g),
    server: sshd,
    folder: into,
    stop: async () => await sshd.stop(),
  }
}

function openFtps(server: FtpsServer, signIn: RegExp): FilePartner {
  const [into, from] = [join(server.folder, 'in'), join(server.folder, 'out')]
  return {
    document: (change = {}) => partner(ftpsConnectionFor(server, { folder: into, ...collecting(from), ...change })),
    sent: onDisk(into),
    offered: onDisk(from),
    giveBack: moving(into, from),
    signIns: async () => occurrences(await server.finalLog(), signIn),
    server,
    folder: into,
    stop: async () => await server.stop(),
  }
}

async function openS3(server: S3Server): Promise<FilePartner> {
  const bucket = await createBucket(server, 'exchange')
  const { accessKeyId, secretAccessKey } = server.owner
  const below = (prefix: string): Side => ({
    async names() {
      const unfinished = (await bucket.unfinished()).filter((key) => key.startsWith(prefix)).map((key) => `${key} (unfinished)`)
      return [...(await bucket.keys(prefix)), ...unfinished].map((key) => key.slice(prefix.length)).toSorted()
    },
    async hash(name) {
      const content = await bucket.stream(`${prefix}${name}`)
      return content === null ? null : await hashOf(content)
    },
    read: async (name) => await bucket.read(`${prefix}${name}`),
    put: async (name, content) => await bucket.put(`${prefix}${name}`, content),
    clear: async () => await bucket.clear(prefix),
  })
  return {
    document: (change = {}) =>
      partner({ id: 's3', protocol: 's3', endpoint: server.endpoint, bucket: bucket.name, prefix: 'acme/', folder: 'in', credentials: { kind: 'static', accessKeyId, secretAccessKey }, ...collecting('out'), ...change }),
    sent: below('acme/in/'),
    offered: below('acme/out/'),
    giveBack: async (name) => await bucket.move(`acme/in/${name}`, `acme/out/${name}`),
    signIns: async () => await Promise.resolve(null),
    server: { port: Number(new URL(server.endpoint).port), restart: async () => await server.restart() },
    folder: null,
    async stop() {
      bucket.close()
      await server.stop()
    },
  }
}
