/**
 * The partner's part in a rehearsal, played by our own AS2 library in memory: what it makes of our messages and receipts, and what we make
 * of its. Nothing is sent, nothing is written down.
 */
import { AppError } from '../kernel/errors.ts'
import { CmsError } from '../crypto/cms/index.ts'
import type { Certificate } from '../crypto/x509/index.ts'
import type { MessageRoute } from '../partners/routes.ts'
import { allowancesOf, buildOptionsOf, mdnQuirksOf, openPolicyOf, type As2Identity, type As2Keys } from '../protocols/as2/build-message.ts'
import { buildMdn, buildMessage, judgeMdn, MessageError, newMessageId, openMdn, openMessage, type BuildOptions, type BuildReport, type HeaderPair, type OpenPolicy, type PayloadSink } from '../protocols/as2/message/index.ts'
import type { Keyring } from './keyring.ts'
import { withUnfit } from './outbound.ts'
import type { Overlap } from './overlap.ts'
import type { StandIns } from './stand-ins.ts'

/** Our side at one moment: settings, identity, and the keys as they will stand then. */
export interface OurSide {
  readonly route: MessageRoute
  readonly identity: As2Identity
  readonly keyring: Keyring
  /** What serves beside the planned keys while the change is under way. */
  readonly overlap: Pick<Overlap, 'choices' | 'keysForReceipt'>
  /** Milliseconds. */
  readonly at: number
  /** What travels. */
  readonly content: { readonly name: string; readonly bytes: Uint8Array; readonly contentType: string }
}

/** What came of a try. `why` is for a person, without a full stop. */
export type Tried = { readonly ok: true; readonly note?: string } | { readonly ok: false; readonly why: string }

const WORKS: Tried = { ok: true }
const PRODUCT = 'Counterpart/1'
const PARTNER_DIGEST = 'sha256'

interface Wire {
  readonly messageId: string
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array
  readonly report: BuildReport
}

export type Counterpart = ReturnType<typeof createCounterpart>

export function createCounterpart({ standIns }: { readonly standIns: StandIns }) {
  /** Our keys with the partner's certificates exchanged for stand-ins. */
  const played = async (keys: As2Keys): Promise<As2Keys> => ({
    ...keys,
    encrypt: keys.encrypt === null ? null : { ...keys.encrypt, certificate: (await standIns.of(keys.encrypt.certificate)).certificate },
    verify: await Promise.all(keys.verify.map(async (signer) => ({ ...signer, certificate: (await standIns.of(signer.certificate)).certificate }))),
  })

  /** What we would send. */
  const ourMessage = async ({ route, identity, keyring, at, content }: OurSide, keys: As2Keys): Promise<Wire> => {
    const { connection, tolerated } = route
    const date = new Date(at)
    const options = withUnfit(keyring.unfit, () =>
      buildOptionsOf([{ source: [content.bytes], name: content.name, contentType: content.contentType }], { connection, identity, keys, tolerated, messageId: newMessageId({ domain: 'rehearsal.invalid', at: date }), date }),
    )
    return await built(options)
  }

  /** What the partner would send, as it is agreed for our direction. */
  const theirMessage = async ({ route, identity, at, content }: OurSide, signedBy: Certificate | null, encryptTo: Certificate | null): Promise<Wire> => {
    const { connection } = route
    const date = new Date(at)
    return await built({
      as2From: connection.as2Id,
      as2To: identity.id,
      messageId: newMessageId({ domain: 'rehearsal.invalid', at: date }),
      date,
      subject: 'Rehearsal',
      userAgent: PRODUCT,
      payloads: [{ source: [content.bytes], contentType: content.contentType, fileName: content.name }],
      ...(signedBy === null ? {} : { sign: { signer: await standIns.of(signedBy), digest: PARTNER_DIGEST } }),
      ...(encryptTo === null ? {} : { encrypt: { recipients: [{ certificate: encryptTo }], cipher: 'aes-256-cbc' } }),
      receipt: { signed: true, to: connection.as2Id, micAlgorithms: [PARTNER_DIGEST] },
    })
  }

  const opened = async (wire: Pick<Wire, 'headers' | 'body'>, policy: OpenPolicy): Promise<Awaited<ReturnType<typeof openMessage>>> => await openMessage(wire.headers, [wire.body], policy, NOWHERE)

  return {
    /** The partner knows one certificate of ours, and opens with the key of one of its own. */
    async theyTake(side: OurSide, { knows, holds }: { readonly knows: Certificate | null; readonly holds: Certificate | null }): Promise<Tried> {
      const { route, keyring, at } = side
      const { message } = route.connection
      const once = async (keys: As2Keys): Promise<Tried> =>
        await tried(async () => {
          const wire = await ourMessage(side, await played(keys))
          const outcome = await opened(wire, {
            decryptWith: holds === null ? [] : [await standIns.of(holds)],
            trusted: knows === null ? [] : [{ certificate: knows }],
            requireSignature: message.sign,
            requireEncryption: message.encrypt,
            allow: allowancesOf(route.tolerated),
            at: new Date(at),
          })
          return outcome.ok ? WORKS : { ok: false, why: `it answers ${dispositionText(outcome.disposition)} (${outcome.detail})` }
        })
      const [planned = keyring.keys, ...others] = side.overlap.choices(route, keyring.keys)
      const first = await once(planned)
      for (const keys of first.ok ? [] : others) if ((await once(keys)).ok) return { ok: true, note: 'at the second try: refused at first, then sent again with the other key' }
      return first
    },

    /** The partner has sent a message and knows one certificate of ours: does our receipt convince it? */
    async theyTakeOurReceipt({ route, identity, keyring, overlap, at }: OurSide, knows: Certificate | null): Promise<Tried> {
      return await tried(async () => {
        // A partner that knows one certificate of ours encrypts to it as well.
        const { sign } = overlap.keysForReceipt(route, keyring.keys, keyring.keys.decrypt.find(({ certificate }) => certificate.fingerprintSha256 === knows?.fingerprintSha256)?.certificate.fingerprintSha256)
        if (sign === null) return { ok: false, why: `we cannot sign it: ${unfitText(keyring, 'sign')}` }
        const messageId = newMessageId({ domain: 'rehearsal.invalid', at: new Date(at) })
        const mic = { value: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', algorithm: PARTNER_DIGEST } as const
        const mdn = buildMdn({ as2From: identity.id, as2To: route.connection.as2Id, disposition: { kind: 'processed' }, originalMessageId: messageId, mic, sign: { signer: sign, digest: PARTNER_DIGEST }, reportingUa: identity.product, date: new Date(at), quirks: mdnQuirksOf(route.connection, true), allow: allowancesOf(route.tolerated) })
        const reading = await openMdn(mdn.headers, [mdn.body], { trusted: knows === null ? [] : [{ certificate: knows }], allow: allowancesOf(route.tolerated), at: new Date(at) })
        return signatureTried(reading)
      })
    },

    /** The partner signs with the key of one certificate, and encrypts to one of ours. */
    async weTake(side: OurSide, { signedBy, encryptTo }: { readonly signedBy: Certificate | null; readonly encryptTo: Certificate | null }): Promise<Tried> {
      const { route, keyring, at } = side
      return await tried(async () => {
        const wire = await theirMessage(side, signedBy, encryptTo)
        const outcome = await opened(wire, openPolicyOf(route.connection, await played(keyring.keys), route.tolerated, new Date(at)))
        return outcome.ok ? WORKS : { ok: false, why: `we answer ${dispositionText(outcome.disposition)} (${outcome.detail})` }
      })
    },

    /** The partner signs its receipt for a message of ours with the key of one certificate. */
    async weTakeTheirReceipt(side: OurSide, signedBy: Certificate): Promise<Tried> {
      const { route, identity, keyring, at } = side
      return await tried(async () => {
        const keys = await played(keyring.keys)
        const { messageId, report } = await ourMessage(side, keys)
        const [mic] = report.mics
        if (mic === undefined) return { ok: false, why: 'the message has no digest that a receipt could name' }
        const { connection, tolerated } = route
        const mdn = buildMdn({ as2From: connection.as2Id, as2To: identity.id, disposition: { kind: 'processed' }, originalMessageId: messageId, mic: { algorithm: mic.algorithm, value: mic.value }, sign: { signer: await standIns.of(signedBy), digest: PARTNER_DIGEST }, reportingUa: PRODUCT, date: new Date(at) })
        const reading = await openMdn(mdn.headers, [mdn.body], { trusted: keys.verify, allow: allowancesOf(tolerated), at: new Date(at) })
        const verdict = judgeMdn(reading, { messageId, as2From: identity.id, as2To: connection.as2Id, signedReceipt: connection.receipt.request === 'signed', mics: report.mics })
        return verdict.delivered ? WORKS : { ok: false, why: verdict.reasons[0]?.replace(/\.$/, '') ?? verdict.code }
      })
    },

    /** A message that came before, opened once more with the keys as they stand. */
    async weTakeAgain({ route, keyring, at }: OurSide, wire: Pick<Wire, 'headers' | 'body'>): Promise<Tried> {
      return await tried(async () => {
        const outcome = await opened(wire, openPolicyOf(route.connection, keyring.keys, route.tolerated, new Date(at)))
        return outcome.ok ? WORKS : { ok: false, why: `we answer ${dispositionText(outcome.disposition)} (${outcome.detail})` }
      })
    },

    /** A receipt that came before, judged once more. */
    async weTakeReceiptAgain({ route, keyring, at }: OurSide, receipt: { readonly headers: readonly HeaderPair[]; readonly body: Uint8Array }): Promise<Tried> {
      return await tried(async () => signatureTried(await openMdn(receipt.headers, [receipt.body], { trusted: keyring.keys.verify, allow: allowancesOf(route.tolerated), at: new Date(at) })))
    },
  }
}

/** The content of a message from the partner is of no interest here. */
const NOWHERE: PayloadSink = { begin: () => ({ write: () => undefined, end: () => undefined }) }

async function built(options: BuildOptions): Promise<Wire> {
  const { body, report, headers, messageId } = buildMessage(options)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return { messageId, headers, body: Buffer.concat(chunks), report: await report }
}

/** What cannot be built or read is an answer, not a failure of the rehearsal. */
async function tried(action: () => Promise<Tried>): Promise<Tried> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof AppError || error instanceof CmsError || error instanceof MessageError) return { ok: false, why: error.message }
    throw error
  }
}

function signatureTried(reading: Awaited<ReturnType<typeof openMdn>>): Tried {
  if (reading.kind === 'unreadable') return { ok: false, why: reading.detail }
  const { signature } = reading
  if (signature.state === 'valid') return WORKS
  return { ok: false, why: signature.state === 'unsigned' ? 'the receipt is not signed' : signature.state === 'signer-unknown' ? 'the receipt is signed with a certificate that is not known there' : signature.detail }
}

function dispositionText(modifier: string): string {
  return `“${modifier}”`
}

export function unfitText({ unfit }: Keyring, role: Keyring['unfit'][number]['role']): string {
  const problems = unfit.filter((one) => one.role === role).map(({ problem }) => problem)
  return problems.length === 0 ? `no certificate is bound in the role ${role} then` : problems.join('; ')
}
