/**
 * Two keys of a planned change serve at once, and the partner's product may know only one of them: most keep a single certificate a
 * partner, and change it at a minute of their own. So a message that was refused for its keys goes once more with the other ones, and
 * a receipt is signed with the key that the partner has just used. Nobody has to switch at the same minute.
 */
import type { MessageRoute } from '../partners/routes.ts'
import { readCertificate, readPrivateKey, type Certificate } from '../crypto/x509/index.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { As2Keys } from '../protocols/as2/build-message.ts'
import type { Material } from '../trust/materials.ts'
import { problemOfCertificate, type As2Role } from './keyring.ts'
import type { Facts, MessageRepository } from './repository.ts'

/** The other item of a change that is under way with a partner; null when there is none. Named by `sha256:…`. */
export type OtherOfChange = (partner: string, fingerprint: string) => Material | null

/** What a partner says whose keys are others than the ones that we used (RFC 4130 7.5.3). */
const ABOUT_KEYS = /authentication-failed|decryption-failed|integrity-check-failed/i
/** What a partner refused is not tried first again for so long. */
const REFUSED_MS = 3_600_000

export type Overlap = ReturnType<typeof createOverlap>

interface Pair {
  readonly signedBy: string
  readonly encryptedTo: string
}

export function createOverlap({ other, messages, clock }: { readonly other: OtherOfChange; readonly messages: Pick<MessageRepository, 'triedKeys'>; readonly clock: Clock }) {
  const fit = (material: Material | null, role: As2Role, tolerated: readonly string[]): Certificate | null => {
    if (material === null || material.item.publicKey === null || material.item.state === 'retired') return null
    const certificate = readCertificate(material.item.publicKey)
    return problemOfCertificate(certificate, role, tolerated, clock.now()) === null ? certificate : null
  }

  const signersOf = ({ partner, tolerated }: MessageRoute, { sign }: As2Keys): As2Keys['sign'][] => {
    if (sign === null) return [null]
    const material = other(partner.id, nameOf(sign.certificate))
    const certificate = fit(material, 'sign', tolerated)
    return certificate === null || material?.privateKey == null ? [sign] : [sign, { certificate, privateKey: readPrivateKey(material.privateKey) }]
  }

  const recipientsOf = ({ partner, tolerated }: MessageRoute, { encrypt }: As2Keys): As2Keys['encrypt'][] => {
    if (encrypt === null) return [null]
    const certificate = fit(other(partner.id, nameOf(encrypt.certificate)), 'encrypt', tolerated)
    return certificate === null ? [encrypt] : [encrypt, { certificate }]
  }

  /** Every pair that may serve now, the planned one first, what was refused lately last. */
  const choices = (route: MessageRoute, keys: As2Keys): As2Keys[] => {
    const all = signersOf(route, keys).flatMap((sign) => recipientsOf(route, keys).map((encrypt): As2Keys => ({ ...keys, sign, encrypt })))
    if (all.length === 1) return all
    const lately = messages.triedKeys({ partner: route.partner.id, connection: route.connection.id, since: timestamp(clock.now() - REFUSED_MS) })
    const refused = (choice: As2Keys): boolean => lately.find(({ facts }) => same(pairOf(facts), choice))?.verdict === 'negative'
    return [...all.filter((choice) => !refused(choice)), ...all.filter(refused)]
  }

  const untried = (route: MessageRoute, keys: As2Keys, tried: readonly Pair[]): As2Keys | null => choices(route, keys).find((choice) => !tried.some((pair) => same(pair, choice))) ?? null

  const refusedFor = (delivery: string): Pair[] => messages.triedKeys({ delivery }).filter(({ verdict }) => verdict === 'negative').map(({ facts }) => pairOf(facts))

  return {
    choices,

    /** The keys for the next message of a delivery. */
    keysFor: (route: MessageRoute, keys: As2Keys, delivery: string): As2Keys => untried(route, keys, refusedFor(delivery)) ?? keys,

    /** Whether a message that the partner refused with this disposition goes once more, with other keys. */
    goesAgain: (route: MessageRoute, keys: As2Keys, message: { readonly delivery: string; readonly facts: Facts }, disposition: string): boolean =>
      ABOUT_KEYS.test(disposition) && untried(route, keys, [...refusedFor(message.delivery), pairOf(message.facts)]) !== null,

    /** The keys for a receipt; `decryptedBy` in plain hexadecimal: the partner knows the one that it has encrypted to. */
    keysForReceipt(route: MessageRoute, keys: As2Keys, decryptedBy: string | undefined): As2Keys {
      const sign = signersOf(route, keys).find((signer) => signer !== null && signer.certificate.fingerprintSha256 === decryptedBy)
      return sign === undefined ? keys : { ...keys, sign }
    },
  }
}

function nameOf({ fingerprintSha256 }: Certificate): string {
  return `sha256:${fingerprintSha256}`
}

function pairOf(facts: Facts): Pair {
  const value = (label: string): string => facts.find((fact) => fact.label === label)?.value ?? ''
  return { signedBy: value('signedBy'), encryptedTo: value('encryptedTo').split(', ')[0] ?? '' }
}

/** What a message does not do does not tell two choices apart. */
function same({ signedBy, encryptedTo }: Pair, { sign, encrypt }: As2Keys): boolean {
  return (signedBy === '' || signedBy === (sign === null ? '' : nameOf(sign.certificate))) && (encryptedTo === '' || encryptedTo === (encrypt === null ? '' : nameOf(encrypt.certificate)))
}
