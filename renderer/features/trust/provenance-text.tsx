import type { Provenance } from '../../../shared/contract/trust.ts'
import { Button } from '../../ui/button.tsx'
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
export function ProvenanceText({ records, onFile }: { readonly records: readonly Provenance[]; readonly onFile?: (id: string) => void }) {
  if (records.length === 0) return <>not recorded</>
  return (
    <>
      {records.map((record, index) => (
        <span key={`${record.at} ${record.source} ${record.file?.id ?? ''}`}>
          {index > 0 ? '; ' : ''}
          {SOURCES[record.source]}
          {record.person === undefined ? '' : `, ${record.person}`}
          {record.note === undefined ? '' : `, “${record.note}”`} ({absoluteText(record.at).slice(0, 10)}, {record.recordedBy})
          <AttachedFile file={record.file} onFile={onFile} />
        </span>
      ))}
    </>
  )
}

function AttachedFile({ file, onFile }: { readonly file: Provenance['file']; readonly onFile: ((id: string) => void) | undefined }) {
  if (file === undefined) return null
  if (onFile === undefined) return <>, with {file.name}</>
  return (
    <>
      {' '}
      <Button compact onClick={() => onFile(file.id)}>
        {file.name}
      </Button>
    </>
  )
}
