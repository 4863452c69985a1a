/** The verdict about a receipt: delivered only when every condition of as2 0.4 holds, each failure a state of its own. */
import { isAs2Id } from './as2-id.ts'
import type { MdnExpectation, MdnReading, MdnSignatureState, MdnVerdict, MdnVerdictCode, ReceivedMdn } from './mdn-types.ts'
import { messageIdKey } from './message-id.ts'
import type { MicCandidate } from './mic.ts'

/** Pure. `expected` was stored when the message was built. */
export function judgeMdn(reading: MdnReading, expected: MdnExpectation): MdnVerdict {
  if (reading.kind === 'unreadable') return verdict('unparsable', [`The answer is no receipt that can be read: ${reading.detail}.`, 'Whether the partner has the message is not known.'])
  return notOurs(reading, expected) ?? badSignature(reading, expected) ?? badDisposition(reading) ?? judgeMic(reading, expected)
}

function verdict(code: MdnVerdictCode, reasons: readonly string[], more: Partial<Pick<MdnVerdict, 'duplicate' | 'matchedMic'>> = {}): MdnVerdict {
  return { code, delivered: code === 'delivered', reasons, duplicate: false, ...more }
}

function notOurs({ originalMessageId, envelope, signature }: ReceivedMdn, expected: MdnExpectation): MdnVerdict | undefined {
  if (originalMessageId === undefined) return verdict('not-ours', ['The receipt does not say which message it is for (no Original-Message-ID).'])
  if (originalMessageId.key !== messageIdKey(expected.messageId)) {
    return verdict('not-ours', [`The receipt is for message ${originalMessageId.raw}, not for ${expected.messageId}.`])
  }
  const { from, to } = envelope
  const proved = signature.state === 'valid'
  // a bound signature proves who wrote it; only then may the identifiers be missing
  const wrong = (id: string | undefined, wanted: string): boolean => (id === undefined ? !proved : !isAs2Id(id, wanted))
  if (wrong(from?.id, expected.as2To) || wrong(to?.id, expected.as2From)) {
    return verdict('not-ours', [`The receipt goes from ${from?.id ?? 'nobody'} to ${to?.id ?? 'nobody'}; expected from ${expected.as2To} to ${expected.as2From}. AS2 identifiers are compared exactly, capitals included.`])
  }
  return undefined
}

function badSignature({ signature, disposition }: ReceivedMdn, expected: MdnExpectation): MdnVerdict | undefined {
  if (signature.state === 'valid' || (signature.state === 'unsigned' && !expected.signedReceipt)) return undefined
  const says = `It says “${disposition.raw}”, but anybody could have written that.`
  switch (signature.state) {
    case 'unsigned':
      return verdict('unsigned', ['A signed receipt was asked for, and the answer is not signed.', says])
    case 'signer-unknown':
      return verdict('wrong-signer', [
        `The receipt is signed, but not with a certificate that is bound to this partner (${signature.detail}).`,
        ...embeddedText(signature),
        says,
      ])
    case 'invalid':
      return verdict('signature-invalid', [`The signature of the receipt does not verify: ${signature.detail}.`, 'The receipt was changed on its way, or written by somebody else.', says])
    case 'refused':
      return verdict('signature-invalid', [`The signature of the receipt uses something that the agreement does not permit: ${signature.detail}.`, says])
    case 'unreadable':
      return verdict('signature-invalid', [`The signature of the receipt cannot be read: ${signature.detail}.`, says])
  }
}

function embeddedText(signature: Extract<MdnSignatureState, { detail: string }>): string[] {
  const [first] = signature.embedded
  return first === undefined ? [] : [`It carries a certificate with SHA-256 fingerprint ${first}. If the partner changed its certificate, compare this value by another way before binding it.`]
}

function badDisposition({ disposition }: ReceivedMdn): MdnVerdict | undefined {
  if (disposition.outcome === 'unreadable') return verdict('unparsable', [`The disposition “${disposition.raw}” is none that the standard knows.`, 'Whether the partner accepted the message is not known.'])
  if (disposition.outcome !== 'error' && disposition.outcome !== 'failed') return undefined
  return verdict('negative', [`The partner received the message and refused it: ${disposition.raw}.`, meaningOf(disposition.modifier ?? '')])
}

const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/authentication-failed/, 'It could not verify our signature: it probably has another certificate of ours than the one that we sign with.'],
  [/integrity-check-failed/, 'The content that it received is not the content that we signed: something on the way changed it, often its line ends.'],
  [/decryption-failed/, 'It could not decrypt the message: we probably encrypt for another certificate than the one that it uses, or with an algorithm that it lacks.'],
  [/decompression-failed/, 'It could not decompress the message: perhaps it does not support compression, or wants it on the other side of the signature.'],
  [/insufficient-message-security/, 'Its agreement demands a signature, encryption or an algorithm that the message did not have.'],
  [/unknown-trading-relationship/, 'It does not know this pair of AS2 identifiers. They are compared exactly, capitals included.'],
  [/duplicate-filename/, 'It has a file of this name already.'],
  [/illegal-filename/, 'It does not accept this file name.'],
  [/invalid-message-id/, 'It does not accept our Message-ID.'],
  [/unsupported mic/, 'It does not have the MIC algorithm that we asked for.'],
  [/unsupported format/, 'It cannot make the kind of receipt that we asked for.'],
]

function meaningOf(modifier: string): string {
  return MEANINGS.find(([pattern]) => pattern.test(modifier))?.[1] ?? 'The reason is the partner’s own; its text or its support may tell more.'
}

function judgeMic({ mic, disposition }: ReceivedMdn, expected: MdnExpectation): MdnVerdict {
  const { duplicate } = disposition
  const remark = disposition.outcome === 'warning' ? [duplicate ? 'The partner had this message already, from an earlier attempt.' : `The partner accepted it with a warning: ${disposition.modifier ?? disposition.raw}.`] : []
  if (mic === undefined) {
    const needed = expected.requireMic ?? expected.signedReceipt
    if (needed && !duplicate) return verdict('mic-missing', ['The receipt says processed but carries no MIC, so that it does not prove which content the partner has.', ...remark])
    return verdict('delivered', [...remark, 'The receipt carries no MIC, and none is needed here.'], { duplicate })
  }
  const comparable = expected.mics.filter(({ algorithm }) => mic.algorithm === undefined || algorithm === mic.algorithm)
  const matchedMic = comparable.find(({ value }) => value === mic.value)
  if (matchedMic !== undefined) return verdict('delivered', [...remark, `The partner’s MIC equals ours (${matchedMic.algorithm} over ${scopeText(matchedMic)}).`], { duplicate, matchedMic })
  return verdict('mic-mismatch', [...mismatchText(mic.value, mic.algorithmName, comparable), 'The partner has something and says processed. Do not send it again before it is known what it has.', ...remark], { duplicate })
}

function mismatchText(value: string, name: string, comparable: readonly MicCandidate[]): string[] {
  const [ours] = comparable
  if (ours === undefined) return [`The receipt’s MIC uses ${name}, in which none of ours was made, so that it cannot be compared.`]
  return [`The partner’s MIC (${value}, ${name}) is none of ours (${ours.value}): what it received, or what it digests, differs from what was sent.`]
}

function scopeText({ over, form }: MicCandidate): string {
  const what = { 'signed-entity': 'the signed content', entity: 'the content with its header', body: 'the content' }[over]
  return form === 'canonical' ? `${what} with CRLF line ends` : what
}
