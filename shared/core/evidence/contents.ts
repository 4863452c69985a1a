/** What goes into the bundle of a delivery. Nothing here is written or signed yet. */
import type { DeliveryDetail } from '../../contract/deliveries.ts'
import type { TrustItem } from '../../contract/trust.ts'
import type { Anchor, AuditEvent } from '../../contract/audit.ts'
import type { MessageEvidence, OwnKey } from '../messages/evidence.ts'
import type { FileToZip } from '../archives/zip-writer.ts'
import { safeFileName } from '../protocols/as2/message/index.ts'
import { CONTENT_FOLDER, NAMES, TRAVELLED_FOLDER, type CertificateEntry } from './form.ts'
import { readmeText, summaryText } from './texts.ts'

/** One part of the bundle, in words. */
export interface Part extends Pick<FileToZip, 'name' | 'read'> {
  readonly about: string
}

export interface ContentSources {
  delivery(id: string): DeliveryDetail
  records(delivery: string): AuditEvent[]
  anchor(): Anchor
  /** Certificates of either side that were ever bound for this partner, and ours for everybody. */
  certificates(partner: string): readonly TrustItem[]
  ownKeys(items: readonly TrustItem[]): readonly OwnKey[]
  message(delivery: string, keys: readonly OwnKey[], signal: AbortSignal): Promise<MessageEvidence | null>
  has(sha256: string): Promise<boolean>
  read(sha256: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  names(partner: string): { readonly station: string | null; readonly partner: string }
}

export interface Contents {
  readonly detail: DeliveryDetail
  readonly names: { readonly station: string | null; readonly partner: string }
  readonly parts: readonly Part[]
  readonly missing: readonly string[]
}

/** Rejects with `input.not_found`. `content`: whether the file itself goes in. */
export async function contentsOf(id: string, content: boolean, sources: ContentSources, signal: AbortSignal): Promise<Contents> {
  const detail = sources.delivery(id)
  const { delivery } = detail
  const names = sources.names(delivery.partner)
  const items = sources.certificates(delivery.partner)
  const missing: string[] = []
  const message = await sources.message(id, sources.ownKeys(items), signal)
  const parts: Part[] = [
    text(NAMES.readme, 'how to read and check this bundle', readmeText()),
    text(NAMES.summary, 'what happened, in words', summaryText(detail, names)),
    text(NAMES.delivery, 'the delivery with every try, what was negotiated, and the receipt', json(detail)),
    text(NAMES.records, 'its records of the audit chain, one a line', sources.records(id).map((event) => `${JSON.stringify(event)}\n`).join('')),
    text(NAMES.anchor, 'the head of the audit chain when this was exported, signed', json(sources.anchor())),
    ...certificateParts(items, delivery.partner),
    ...(message === null ? [] : messageParts(message, missing)),
  ]
  const isKept = await sources.has(delivery.sha256)
  if (content && isKept) parts.push({ name: `${CONTENT_FOLDER}${safeFileName(delivery.fileName)}`, about: 'the file itself', read: () => sources.read(delivery.sha256, signal) })
  if (!content) missing.push('The file itself was left out on request; its SHA-256 names it.')
  if (content && !isKept) missing.push('The file itself is no longer kept here; its SHA-256 names it.')
  const { wire } = delivery
  // What travelled by AS2 is the message itself.
  if (wire !== null && message === null) {
    if (await sources.has(wire.sha256)) parts.push({ name: `${TRAVELLED_FOLDER}${safeFileName(delivery.remoteName)}`, about: 'the file as it travelled, protected', read: () => sources.read(wire.sha256, signal) })
    else missing.push('The file as it travelled, protected, is no longer kept here; its SHA-256 names it.')
  }
  return { detail, names, parts, missing }
}

function certificateParts(items: readonly TrustItem[], partner: string): Part[] {
  const withText = items.flatMap((item) => (item.publicKey === null ? [] : [{ item, pem: item.publicKey }]))
  const entries = withText.map(({ item }): CertificateEntry => {
    const own = item.bindings.filter((binding) => binding.partner === partner)
    return {
      file: `certificates/${item.fingerprint.replace(/^sha256:/, '').slice(0, 32)}.pem`,
      fingerprint: item.fingerprint,
      owner: item.hasPrivateKey ? 'station' : 'partner',
      label: item.label,
      roles: [...new Set((own.length > 0 ? own : item.bindings).map(({ role }) => role))],
      provenance: item.provenance,
    }
  })
  return [text(NAMES.certificates, 'whose certificates these are, and how that is known', json(entries)), ...withText.map(({ pem }, index) => text(entries[index]?.file ?? '', `certificate: ${entries[index]?.label ?? ''}`.slice(0, 300), pem))]
}

function messageParts(message: MessageEvidence, missing: string[]): Part[] {
  const parts: Part[] = [text(NAMES.messageFacts, 'what was written down about the AS2 message', json(message.facts))]
  const add = (name: string, about: string, bytes: AsyncIterable<Uint8Array> | null, absent: string): void => {
    if (bytes === null) missing.push(absent)
    else parts.push({ name, about, read: () => bytes })
  }
  add(NAMES.message, 'the AS2 message as it travelled', message.message, 'The AS2 message as it travelled is no longer kept here.')
  if (message.facts.layers.some((layer) => layer.startsWith('encrypted'))) add(NAMES.opened, 'the same, decrypted: what the sender signed', message.opened, 'The AS2 message cannot be decrypted here: it is no longer kept, or no key of ours opens it (“Also encrypt to our own certificate” in the connection makes later ones readable).')
  add(NAMES.receipt, 'the receipt (MDN) as it travelled', message.receipt, 'There is no receipt.')
  return parts
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function text(name: string, about: string, content: string): Part {
  const bytes = Buffer.from(content, 'utf8')
  return {
    name,
    about,
    read: async function* () {
      yield await Promise.resolve(bytes)
    },
  }
}
