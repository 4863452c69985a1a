import { z } from 'zod'
import { PartnerDocument } from '../../contract/partner-document.ts'
import { StationDocument } from '../../contract/station.ts'

/** The JSON Schema (draft 2020-12) of the documents that people write; the contract is its only source. */
export function publishedSchema(of: 'partner' | 'station'): Record<string, unknown> {
  const schema = z.toJSONSchema(of === 'partner' ? PartnerDocument : StationDocument, { target: 'draft-2020-12', io: 'input' })
  return { ...schema } as Record<string, unknown>
}
