import type { Provenance } from '../../../shared/contract/trust.ts'
import { absoluteText } from '../../lib/format.ts'

const SOURCES: Readonly<Record<Provenance['source'], string>> = {
  phone: 'by phone',
  mail: 'by mail',
  portal: 'on the partner’s web page',
  'in-person': 'in person',
  'partner-file': 'from the partner document',
  embedded: 'comes with Waybill',
  generated: 'made here',
  'first-use': 'trusted as it was presented',
  other: 'another way',
}

/** How we know that an item is genuine, newest last. */
export function ProvenanceText({ records }: { readonly records: readonly Provenance[] }) {
  if (records.length === 0) return <>not recorded</>
  return (
    <>
      {records.map((record, index) => (
        <span key={`${record.at} ${record.source}`}>
          {index > 0 ? '; ' : ''}
          {SOURCES[record.source]}
          {record.person === undefined ? '' : `, ${record.person}`}
          {record.note === undefined ? '' : `, “${record.note}”`} ({absoluteText(record.at).slice(0, 10)}, {record.recordedBy})
        </span>
      ))}
    </>
  )
}
