/**
 * Plays a rollover through before it happens: at each moment of the plan all six uses, each while the partner works with the old item
 * only and with the next one only. Real items, real settings, the last real messages; the partner's part is our own AS2 library.
 */
import type { Rehearsal, RehearsedCell, RehearsedMoment, RehearsedUse } from '../../contract/rehearsal.ts'
import type { Rollover } from '../../contract/rollover.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'
import { readCertificate, type Certificate } from '../crypto/x509/index.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { unfitText, type OurSide, type Tried } from '../messages/counterpart.ts'
import type { MessageRehearsal, Recorded } from '../messages/rehearsal.ts'
import type { PartnerFacts } from '../partners/facts.ts'
import { judgeCertificate } from '../protocols/tls/index.ts'
import { problemsOfRole } from '../trust/fitness.ts'
import type { Materials } from '../trust/materials.ts'
import type { TrustService } from '../trust/service.ts'
import { plannedMaterials } from './planned.ts'
import { conclusionOf, expectedFailures } from './rehearsal-words.ts'
import { comesIn } from './rules.ts'
import { tryOurClient, tryOurServer, type TlsSide } from './tls-try.ts'

export interface RehearsalDeps {
  readonly trust: Pick<TrustService, 'show' | 'materialsAt'>
  readonly messages: MessageRehearsal
  readonly partners: Pick<PartnerFacts, 'all' | 'tolerated'>
  /** The certificate item that our receiver shows by name, `station`: the station's newest, or null: it speaks no TLS. */
  readonly receiverShows: () => string | null
  readonly clock: Clock
}

type Which = 'old' | 'next'
type Moment = Pick<RehearsedMoment, 'moment' | 'at'>

/** Two files further, for the reader: what one cell says. */
interface Found {
  readonly outcome: RehearsedCell['outcome']
  readonly message: string
  readonly proof: RehearsedCell['proof']
}

interface Scene {
  readonly ours: boolean
  readonly name: string
  readonly partner: string
  readonly connection: string
  readonly items: Readonly<Record<Which, TrustItem>>
  readonly certificates: Readonly<Record<Which, Certificate>>
  readonly side: OurSide
  readonly materials: Materials
  readonly roles: readonly Role[]
}

export type Rehearse = (rollover: Rollover, options: { readonly partner?: string | undefined; readonly at?: string | undefined }) => Promise<Rehearsal[]>

export function createRehearsal(deps: RehearsalDeps): Rehearse {
  const { trust, messages, partners, clock } = deps
  const { counterpart } = messages

  const holder: Record<'decrypt' | 'sign' | 'tls', (scene: Scene, which: Which) => Promise<Found>> = {
    async decrypt(scene, which) {
      const { ours, name, side, items, certificates } = scene
      if (!ours) return fromTried(await counterpart.theyTake(side, { knows: side.keyring.keys.sign?.certificate ?? null, holds: certificates[which] }), `${name} opens what we send with the key of ${items[which].label}`, `${name} cannot take what we send with the key of ${items[which].label} alone`)
      const last = await messages.lastTaken(scene.partner, scene.connection, 'decryptedBy', items[which].fingerprint)
      if (cannotCheck(side)) return found('fails', `nothing that ${name} sends can be checked: ${unfitText(side.keyring, 'verify')}`, 'none')
      const tried = await counterpart.weTake(side, { signedBy: side.keyring.keys.verify[0]?.certificate ?? null, encryptTo: certificates[which] })
      const again = last === null ? null : await counterpart.weTakeAgain(side, last)
      if (last !== null && again?.ok === tried.ok) return fromRecorded(again, last, name, `is opened with ${items[which].label}`, 'would not be taken if it came again')
      return fromTried(tried, `what is encrypted to ${items[which].label} is opened`, `what is encrypted to ${items[which].label} is not taken`)
    },

    async sign({ ours, side, items, certificates, name }, which) {
      if (!ours) {
        const problem = problemText(items[which], 'verify', side)
        return problem === null ? found('works', `${name} can sign with ${items[which].label}`) : found('fails', `${name} cannot sign with ${items[which].label}: ${problem}`, 'none')
      }
      const { sign } = side.keyring.keys
      if (sign === null) return found('fails', `we can sign nothing: ${unfitText(side.keyring, 'sign')}`, 'none')
      if (sign.certificate.fingerprintSha256 !== certificates[which].fingerprintSha256) return found('idle', `we do not sign with ${items[which].label} then`, 'none')
      return fromTried(await counterpart.theyTakeOurReceipt(side, certificates[which]), `we sign with ${items[which].label}`, `what we sign with ${items[which].label} does not verify`)
    },

    async tls(scene, which) {
      return await (scene.ours ? ourTls(scene, which) : await Promise.resolve(theirTls(scene, which)))
    },
  }

  const ourTls = async ({ partner, connection, name, items, side, materials, roles }: Scene, which: Which): Promise<Found> => {
    const tries: Found[] = []
    const shows = deps.receiverShows()
    const concerned = roles.includes('tls-server') || shows === items.old.id || shows === items.next.id
    if (shows !== null && concerned) {
      const server = materials.server(shows === 'station' ? null : shows)
      if (server === null) tries.push(found('fails', 'our receiver has no certificate to show then', 'none'))
      else tries.push(fromTried(await tryOurServer(server, items[which].fingerprint, side.at), `our receiver is reached by a partner that knows ${items[which].label}`, `our receiver shows another certificate than ${items[which].label}: ${name} would break off`))
    }
    const { client } = materials.tls(partner, connection)
    if (roles.includes('tls-client') && client !== null && side.route.connection.url?.startsWith('https:') === true)
      tries.push(fromTried(await tryOurClient(client, items[which].publicKey ?? '', await serverStandIn(client)), `${name}’s server lets us in when it knows ${items[which].label}`, `${name}’s server refuses our client certificate when it knows ${items[which].label} alone`))
    return tries.find(({ outcome }) => outcome === 'fails') ?? tries[0] ?? found('idle', 'neither of the two is used for TLS', 'none')
  }

  const theirTls = ({ partner, connection, name, items, certificates, side, materials, roles }: Scene, which: Which): Found => {
    const { url, tls } = side.route.connection
    if (!roles.includes('tls-server') || url?.startsWith('https:') !== true) return found('idle', 'neither of the two is used for TLS', 'none')
    const trusted = materials.tls(partner, connection)
    const presented = judgeCertificate({ certificate: certificates[which].der, chainProblem: null }, { settings: tls, trust: trusted, host: new URL(url).hostname, now: side.at })
    return presented.verdict === 'trusted' ? found('works', `we accept ${name}’s server when it shows ${items[which].label}`) : found('fails', `we refuse ${name}’s server when it shows ${items[which].label}: ${presented.reason}`)
  }

  const other: Record<'check-messages' | 'check-receipts' | 'encrypt', (scene: Scene, which: Which) => Promise<Found>> = {
    async 'check-messages'(scene, which) {
      const { ours, name, side, items, certificates } = scene
      if (ours) {
        if (!side.route.connection.message.sign) return found('idle', 'our messages are not signed', 'none')
        return fromTried(await counterpart.theyTake(side, { knows: certificates[which], holds: side.keyring.keys.encrypt?.certificate ?? null }), `${name} takes our messages when it knows ${items[which].label}`, `${name} refuses our messages when it knows ${items[which].label} alone`)
      }
      const last = await messages.lastTaken(scene.partner, scene.connection, 'signedBy', items[which].fingerprint)
      const tried = await counterpart.weTake(side, { signedBy: certificates[which], encryptTo: side.keyring.keys.decrypt[0]?.certificate ?? null })
      // An old message may also fail for our own key of that time, which says nothing about this use.
      const again = last === null ? null : await counterpart.weTakeAgain(side, last)
      if (last !== null && again?.ok === tried.ok) return fromRecorded(again, last, name, `is accepted with ${items[which].label}`, 'would not be accepted if it came again')
      return fromTried(tried, `we take messages that ${name} signs with ${items[which].label}`, `we refuse messages that ${name} signs with ${items[which].label}`)
    },

    async 'check-receipts'(scene, which) {
      const { ours, name, side, items, certificates } = scene
      if (ours) return fromTried(await counterpart.theyTakeOurReceipt(side, certificates[which]), `${name} believes our receipts when it knows ${items[which].label}`, `${name} does not believe our receipts when it knows ${items[which].label} alone, and may send everything again`)
      if (side.route.connection.receipt.request !== 'signed') return found('idle', 'no signed receipts are asked for', 'none')
      const last = messages.lastReceipt(scene.partner, scene.connection, items[which].fingerprint)
      if (last !== null) return fromRecorded(await counterpart.weTakeReceiptAgain(side, last), last, name, `proves a delivery with ${items[which].label}`, 'would prove nothing any more')
      return fromTried(await counterpart.weTakeTheirReceipt(side, certificates[which]), `receipts that ${name} signs with ${items[which].label} prove a delivery`, `receipts that ${name} signs with ${items[which].label} prove nothing`)
    },

    async encrypt({ ours, name, side, items, certificates }, which) {
      if (ours) {
        const problem = problemText(items[which], 'encrypt', side)
        if (problem !== null) return found('fails', `${name}’s program will not encrypt to ${items[which].label}: ${problem}`, 'none')
        if (cannotCheck(side)) return found('fails', `nothing that ${name} sends can be checked: ${unfitText(side.keyring, 'verify')}`, 'none')
        const tried = await counterpart.weTake(side, { signedBy: side.keyring.keys.verify[0]?.certificate ?? null, encryptTo: certificates[which] })
        return fromTried(tried, `a new message that ${name} encrypts to ${items[which].label} is taken`, `a new message that ${name} encrypts to ${items[which].label} is refused`)
      }
      const { encrypt } = side.keyring.keys
      if (!side.route.connection.message.encrypt) return found('idle', 'our messages are not encrypted', 'none')
      if (encrypt === null) return found('fails', `we can encrypt nothing: ${unfitText(side.keyring, 'encrypt')}`, 'none')
      if (encrypt.certificate.fingerprintSha256 !== certificates[which].fingerprintSha256) return found('idle', `we do not encrypt to ${items[which].label} then`, 'none')
      return fromTried(await counterpart.theyTake(side, { knows: side.keyring.keys.sign?.certificate ?? null, holds: certificates[which] }), `we encrypt to ${items[which].label}`, `what we encrypt to ${items[which].label} is not taken`)
    },
  }

  /** The part of the partner's server in a handshake: any certificate does, ours is not looked at. */
  const serverStandIn = async (client: { readonly certificate: string; readonly privateKey: string }): Promise<TlsSide> => await Promise.resolve(client)

  const cellsOf = async (scene: Scene): Promise<RehearsedCell[]> => {
    const cells: RehearsedCell[] = []
    for (const [use, play] of Object.entries({ ...holder, ...other }) as [RehearsedUse, (scene: Scene, which: Which) => Promise<Found>][])
      for (const which of ['old', 'next'] as const) cells.push({ use, with: which, ...(await play(scene, which)) })
    return cells
  }

  const sceneAt = async (rollover: Rollover, partner: string, connection: string, { moment, at }: Moment): Promise<Scene> => {
    const [old, next] = [trust.show(rollover.old.id), trust.show(rollover.next.id)]
    const base = trust.materialsAt(Date.parse(at))
    const due = (time: string | null): boolean => time !== null && Date.parse(at) >= Date.parse(time)
    const retired = moment === 'retire' || due(rollover.retireAt)
    const materials = plannedMaterials(base, {
      old: old.id,
      next: base.one(next.id),
      switched: moment === 'switch' || moment === 'retire' || due(rollover.switchAt),
      retired,
      outgoing: (role) => !comesIn(role, rollover.ours),
    })
    const side = await messages.side(partner, connection, materials, Date.parse(at), (_, fingerprint) => (retired ? null : fingerprint === old.fingerprint ? base.one(next.id) : fingerprint === next.fingerprint ? base.one(old.id) : null))
    const roles = [...new Set([...old.bindings, ...next.bindings].filter((binding) => binding.partner === null || binding.partner === partner).map(({ role }) => role))]
    return { ours: rollover.ours, name: side.route.partner.name, partner, connection, items: { old, next }, certificates: { old: certificateOf(old), next: certificateOf(next) }, side, materials, roles }
  }

  return async (rollover, { partner: only, at }) => {
    if (rollover.state !== 'running') throw new AppError('input.conflict', 'the rollover has ended; there is nothing to rehearse')
    const moments = momentsOf(rollover, at, clock.now())
    const concerned = rollover.partners.filter(({ partner }) => only === undefined || partner === only)
    if (concerned.length === 0) throw new AppError('input.not_found', `${only ?? 'nobody'} has no part in this rollover`)
    const rehearsals: Rehearsal[] = []
    for (const { partner, acknowledged, firstSeen } of concerned.slice(0, MOST_PARTNERS)) {
      const stands = firstSeen !== null ? 'next' : acknowledged !== null ? 'both' : 'old'
      const document = partners.all().find(({ id }) => id === partner)
      for (const { id: connection } of document?.connections.filter(({ protocol }) => protocol === 'as2') ?? []) {
        const played: RehearsedMoment[] = []
        for (const moment of moments) {
          const scene = await sceneAt(rollover, partner, connection, moment)
          const cells = await cellsOf(scene)
          const facts = { partner: scene.name, old: rollover.old.label, next: rollover.next.label, ours: rollover.ours, stands, moment: moment.moment } as const
          played.push({ ...moment, cells, expected: expectedFailures(cells, rollover.ours, stands), conclusion: conclusionOf(cells, facts) })
        }
        rehearsals.push({ rollover: rollover.id, partner, connection, ours: rollover.ours, stands, moments: played })
      }
    }
    if (rehearsals.length === 0) throw new AppError('input.invalid', 'only AS2 connections can be rehearsed, and none of the partners concerned has one')
    return rehearsals
  }
}

const MOST_PARTNERS = 50

/** Now, after the switch, after the end of the old one; or one moment of a person's choice. */
function momentsOf({ switchAt, retireAt }: Rollover, at: string | undefined, now: number): Moment[] {
  if (at !== undefined) return [{ moment: 'at', at }]
  const later = (time: string | null, earliest: number): number => Math.max(time === null ? 0 : Date.parse(time), earliest)
  const switched = later(switchAt, now)
  const over = (time: string | null): boolean => time !== null && Date.parse(time) <= now
  return [
    { moment: 'now', at: timestamp(now) },
    ...(over(switchAt) ? [] : [{ moment: 'switch', at: timestamp(switched) } as const]),
    ...(retireAt === null ? [] : [{ moment: 'retire', at: timestamp(later(retireAt, switched)) } as const]),
  ]
}

function certificateOf({ label, publicKey, x509 }: TrustItem): Certificate {
  if (x509 === null || publicKey === null) throw new AppError('input.invalid', `${label} is no certificate; only changes of certificates can be rehearsed`)
  return readCertificate(publicKey)
}

/** What a partner's program would hold against one of the two, as far as ours would. */
function problemText(item: TrustItem, role: 'verify' | 'encrypt', { at, route }: OurSide): string | null {
  const early = item.notBefore !== null && at < Date.parse(item.notBefore) ? `it is valid from ${item.notBefore.slice(0, 10)} only` : null
  return problemsOfRole(item, role, { at, tolerated: route.tolerated }).find(({ severity }) => severity === 'error')?.message ?? early
}

/** Something is missing that has nothing to do with the change. */
function cannotCheck({ keyring, route }: OurSide): boolean {
  return route.connection.inbound.requireSigned && keyring.keys.verify.length === 0
}

function found(outcome: Found['outcome'], message: string, proof: Found['proof'] = outcome === 'idle' ? 'none' : 'practice'): Found {
  return { outcome, message, proof }
}

function fromTried(tried: Tried, works: string, fails: string): Found {
  return tried.ok ? found('works', `${works}${tried.note === undefined ? '' : ` (${tried.note})`}`) : found('fails', `${fails}: ${tried.why}`)
}

function fromRecorded(tried: Tried, last: Recorded, partner: string, works: string, fails: string): Found {
  const what = last.name === 'receipt' ? `the last receipt of ${partner} (${last.at.slice(0, 10)})` : `the last message of ${partner} (${last.name}, ${last.at.slice(0, 10)})`
  return tried.ok ? found('works', `${what} ${works}`, 'last-message') : found('fails', `${what} ${fails}: ${tried.why}`, 'last-message')
}
