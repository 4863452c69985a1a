import { describe, expect, it } from 'vitest'
import { StationDocument } from '../../../shared/contract/station.ts'
import { emptyContact, stationDocument, stationDraft } from './station-draft.ts'

describe('the station form', () => {
  it('gives back the document that it was opened with', () => {
    const document = StationDocument.parse({
      name: 'Example Trading Ltd',
      timeZone: 'Europe/Berlin',
      as2: { id: 'EXAMPLE-TRADING', url: 'https://as2.example.com/', email: 'edi@example.com' },
      contacts: [{ name: 'Mia', role: 'EDI', email: 'mia@example.com', phone: '+49 30 1' }, { name: 'Bo' }],
    })
    expect(stationDocument(stationDraft(document))).toEqual(document)
  })

  it('leaves out what is empty, and AS2 without an identifier', () => {
    const draft = { ...stationDraft(null), name: ' Example ', as2Url: 'https://as2.example.com/', contacts: [{ ...emptyContact(), name: 'Mia' }] }
    expect(stationDocument(draft)).toEqual({ name: 'Example', contacts: [{ name: 'Mia' }] })
    expect(StationDocument.safeParse(stationDocument(draft)).success).toBe(true)
  })
})
