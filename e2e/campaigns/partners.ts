/** The partners of a campaign: on every protocol a real server behind a line that can be harmed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { Role } from '../../shared/contract/trust-words.ts'
import { as2Pair, freePort, type Service } from '../servers/as2-pair.ts'
import { selfSigned } from '../servers/certificates.ts'
import { FILE_PARTNERS, RADOSGW_PARTNER, type FilePartner, type Side } from '../servers/file-partners.ts'
import { startGnupg } from '../servers/gpg.ts'
import { lineAt, lineTo, type Line } from '../servers/line.ts'
import { findPeer } from '../servers/peers.ts'
import { startPyas2Company } from '../servers/pyas2lib.ts'
import { freePorts } from '../servers/sshd.ts'
import type { Installation } from '../servers/waybill.ts'
import { onDisk, pickingUp, throughGnupg } from './sides.ts'

/** By their names in `FILE_PARTNERS`. */
export const FILE_KINDS = {
  folder: { kind: 'a folder' },
  /** Takes its files away as soon as they have their names. */
  sftp: { kind: 'SFTP at OpenSSH', picksUp: true },
  ftps: { kind: 'FTPS at vsftpd' },
  /** Exchanges files protected with OpenPGP, and takes them away. */
  proftpd: { kind: 'FTPS at ProFTPD', picksUp: true, pgp: true },
  s3: { kind: 'S3 at Versity' },
  radosgw: { kind: 'S3 at radosgw' },
} as const satisfies Record<string, FileKind>

interface FileKind {
  readonly kind: string
  readonly picksUp?: true
  readonly pgp?: true
}

/** Nothing in the headers of AS2 over HTTP is signed: a changed identifier would be another message, and no receiver could tell. */
const UNPROTECTED = { sparesHttpHeaders: true } as const

/** Data connections of an FTPS server at a time. */
const DATA_PORTS = 12

export interface CampaignPartner {
  readonly id: string
  /** To its server; null for a folder. */
  readonly line: Line | null
  /** For the data of FTPS. */
  readonly dataLine: Line | null
  /** From it to our receiver. */
  readonly lineToUs: Line | null
  /** What arrived there, by our names. */
  readonly sent: Pick<Side, 'names' | 'hash'>
  /** What it has for us and we have not taken; null where it sends nothing. */
  readonly offered: Pick<Side, 'names' | 'put'> | null
  /** It is we who fetch. */
  readonly collected: boolean
  /** Kills the server and starts it again; null for a folder. */
  readonly restart: (() => Promise<void>) | null
}

type Undo = (step: () => Promise<void> | void) => void

type Pair = Awaited<ReturnType<typeof as2Pair>>

/** What runs before anybody knows anybody, but for the two companies that exchange AS2. */
export interface Servers {
  readonly pair: Pair
  readonly files: readonly (readonly [id: string, kind: FileKind, opened: Opened])[]
}

export async function openServers(undo: Undo): Promise<Servers> {
  const pairing = as2Pair().then((pair) => (undo(() => pair.remove()), pair))
  const opening = Object.entries(FILE_KINDS).map(async ([id, kind]) => [id, kind as FileKind, await openFilePartner(kind.kind, undo)] as const)
  // All of them have to be there before one that failed is told: who is still starting could not be ended.
  await Promise.allSettled([pairing, ...opening])
  return { pair: await pairing, files: await Promise.all(opening) }
}

/** Makes them known to the company on the left, whose service this is. */
export async function meetPartners({ pair, files }: Servers, client: WaybillClient, undo: Undo): Promise<readonly CampaignPartner[]> {
  const us: Us = { client, files: pair.left.here }
  const partners: CampaignPartner[] = []
  for (const [id, kind, opened] of files) partners.push(await meet(id, kind, opened, us, undo))
  partners.push(await as2Partner(pair, us, undo), await pyas2Partner(pair.left, us, undo))
  return partners
}

interface Us {
  readonly client: WaybillClient
  /** Where files of the campaign may be put. */
  readonly files: Installation
}

interface Opened {
  readonly partner: FilePartner
  readonly line: Line | null
  readonly dataLine: Line | null
}

async function openFilePartner(kind: string, undo: Undo): Promise<Opened> {
  const found = [...FILE_PARTNERS, RADOSGW_PARTNER].find(({ name }) => name === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  const dataPorts = kind.startsWith('FTPS') ? await freePorts(DATA_PORTS) : null
  const partner = await found.open(dataPorts === null ? {} : { dataPorts })
  undo(async () => await partner.stop())
  const line = partner.server === null ? null : dataPorts === null ? await lineTo(partner.server.port) : await lineAt('127.0.0.2', [partner.server.port])
  const dataLine = dataPorts === null ? null : await lineAt('127.0.0.2', dataPorts)
  undo(async () => void (await Promise.all([line?.stop(), dataLine?.stop()])))
  return { partner, line, dataLine }
}

async function meet(id: string, { kind, picksUp, pgp }: FileKind, { partner, line, dataLine }: Opened, us: Us, undo: Undo): Promise<CampaignPartner> {
  const through = line === null ? {} : kind.startsWith('S3') ? { endpoint: `http://127.0.0.1:${line.port}` } : { port: line.port, ...(dataLine === null ? {} : { host: '127.0.0.2' }) }
  const patience = line === null || kind.startsWith('S3') ? {} : { idleTimeoutSeconds: 5 }
  await us.client.partners.apply({ document: { ...partner.document({ ...through, ...patience, ...(pgp === true ? { pgp: { outbound: 'sign-and-encrypt', inbound: 'open' } } : {}) }), id, name: id } })
  const common = { id, line, dataLine, lineToUs: null, collected: true, restart: partner.server === null ? null : async () => await partner.server?.restart() }
  const { sent, undone } = picksUp === true && partner.folder !== null ? pickingUp(partner.folder, us.files.files) : { sent: partner.sent, undone: () => undefined }
  undo(undone)
  if (pgp !== true) return { ...common, sent, offered: partner.offered }
  return { ...common, ...(await protectedWith(id, us, { sent, offered: partner.offered }, undo)) }
}

/** Each gives the other its public key. */
async function protectedWith(id: string, us: Us, sides: { readonly sent: Pick<Side, 'names' | 'read'>; readonly offered: Side }, undo: Undo): Promise<Pick<CampaignPartner, 'sent' | 'offered'>> {
  const gpg = startGnupg()
  undo(() => gpg.stop())
  const own = await us.client.trust.generate({ kind: 'pgp', name: 'Us', email: 'edi@us.example', bind: [{ role: 'pgp-sign' }, { role: 'pgp-decrypt' }] })
  gpg.run(['--import'], (await us.client.trust.export({ id: own.id })).text)
  const theirs = gpg.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ecdh\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt\nName-Real: Them\nExpire-Date: 0')
  await trust(us, us.files.file('them.asc', gpg.run(['--armor', '--export', theirs])), { partner: id }, 'pgp-encrypt', 'pgp-verify')
  return throughGnupg(gpg, { ours: own.fingerprint, theirs }, sides)
}

/** The other company is an installation of ours; it is killed and started like any server. */
async function as2Partner({ right }: Pair, us: Us, undo: Undo): Promise<CampaignPartner> {
  const line = await lineTo(right.port, UNPROTECTED)
  undo(async () => await line.stop())
  await us.client.partners.remove({ id: 'acme' })
  await us.client.partners.apply({ document: { id: 'as2', name: 'as2', connections: [{ id: 'as2', protocol: 'as2', as2Id: right.as2Id, url: `http://127.0.0.1:${line.port}/as2` }] } })
  await trust(us, join(right.here.files, 'ours.pem'), { partner: 'as2', connection: 'as2' }, 'verify', 'encrypt')
  let service: Service = await right.serve()
  const kill = async (): Promise<void> => {
    service.process.kill('SIGKILL')
    await service.ended
  }
  undo(kill)
  return {
    id: 'as2',
    line,
    dataLine: null,
    lineToUs: null,
    sent: onDisk(join(right.here.workspace, 'partners', 'acme', 'Inbox')),
    offered: null,
    collected: false,
    async restart() {
      await kill()
      service = await right.serve()
    },
  }
}

const PYAS2 = { id: 'pyas2lib company', way: { sign: true, encrypt: true, digest_alg: 'sha256', enc_alg: 'aes_256_cbc', mdn_mode: 'SYNC', mdn_digest_alg: 'sha256' } }

/** A product that is not ours, in both directions. */
async function pyas2Partner({ as2Id, port: ourPort }: Pair['left'], us: Us, undo: Undo): Promise<CampaignPartner> {
  const [folder, port] = [join(us.files.files, 'pyas2'), await freePort()]
  const [line, lineToUs] = [await lineTo(port, UNPROTECTED), await lineTo(ourPort, UNPROTECTED)]
  undo(async () => void (await Promise.all([line.stop(), lineToUs.stop()])))
  const { certificate, privateKey } = selfSigned({ names: ['pyas2.example'] })
  const company = await startPyas2Company(findPeer('pyas2lib').path ?? '', {
    us: { id: PYAS2.id, key: privateKey, certificate },
    theirId: as2Id,
    certificate: readFileSync(join(us.files.files, 'ours.pem'), 'utf8'),
    url: `http://127.0.0.1:${lineToUs.port}/as2`,
    way: PYAS2.way,
    port,
    folder,
  })
  undo(async () => await company.stop())
  await us.client.partners.apply({ document: { id: 'pyas2', name: 'pyas2', connections: [{ id: 'as2', protocol: 'as2', as2Id: PYAS2.id, url: `http://127.0.0.1:${line.port}/as2` }] } })
  await trust(us, us.files.file('pyas2.pem', certificate), { partner: 'pyas2', connection: 'as2' }, 'verify', 'encrypt')
  return { id: 'pyas2', line, dataLine: null, lineToUs, sent: onDisk(company.inbox), offered: onDisk(company.outbox), collected: false, restart: async () => await company.restart() }
}

async function trust({ client }: Us, path: string, whose: { readonly partner: string; readonly connection?: string }, ...roles: Role[]): Promise<void> {
  await client.trust.import({ source: { path }, bind: roles.map((role) => ({ ...whose, role })), provenance: { source: 'other', note: 'made for the campaign' } })
}
