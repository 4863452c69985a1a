/** The station document as the form's fields and back. Pure. */
import type { StationDocument } from '../../../shared/contract/station.ts'

export interface ContactDraft {
  /** Keeps a row its own while others go. */
  readonly key: string
  readonly name: string
  readonly role: string
  readonly email: string
  readonly phone: string
}

export interface StationDraft {
  readonly name: string
  readonly timeZone: string
  readonly as2Id: string
  readonly as2Url: string
  readonly as2Email: string
  readonly contacts: readonly ContactDraft[]
}

export function emptyContact(): ContactDraft {
  return { key: crypto.randomUUID(), name: '', role: '', email: '', phone: '' }
}

export function stationDraft(known: StationDocument | null): StationDraft {
  return {
    name: known?.name ?? '',
    timeZone: known?.timeZone ?? '',
    as2Id: known?.as2?.id ?? '',
    as2Url: known?.as2?.url ?? '',
    as2Email: known?.as2?.email ?? '',
    contacts: (known?.contacts ?? []).map(({ name, role = '', email = '', phone = '' }) => ({ ...emptyContact(), name, role, email, phone })),
  }
}

/** Empty fields are left out: an empty text is not an address. */
export function stationDocument(draft: StationDraft): Record<string, unknown> {
  const { name, timeZone, as2Id, as2Url, as2Email, contacts } = draft
  return filled({
    name: name.trim(),
    timeZone,
    as2: as2Id === '' ? undefined : filled({ id: as2Id, url: as2Url.trim(), email: as2Email.trim() }),
    contacts: contacts.map((contact) => ({ ...filled({ role: contact.role.trim(), email: contact.email.trim(), phone: contact.phone.trim() }), name: contact.name.trim() })),
  })
}

function filled(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined))
}
