import { z } from 'zod'
import { PartnerDocument } from '../../contract/partner-document.ts'
import { PolicyChange } from '../../contract/policy-document.ts'
import { StationDocument } from '../../contract/station.ts'

const DOCUMENTS = { partner: PartnerDocument, station: StationDocument, policy: PolicyChange } as const

/** The JSON Schema (draft 2020-12) of the documents that people write; the contract is its only source. */
export function publishedSchema(of: keyof typeof DOCUMENTS): Record<string, unknown> {
  const schema = z.toJSONSchema(DOCUMENTS[of], { target: 'draft-2020-12', io: 'input' })
  return { ...schema } as Record<string, unknown>
}
