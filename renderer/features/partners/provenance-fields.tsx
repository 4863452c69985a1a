import type { ProvenanceInput } from '../../../shared/contract/connections/common.ts'
import { SelectField, TextField } from '../../ui/field.tsx'

export interface ProvenanceDraft {
  readonly source: ProvenanceInput['source']
  readonly person: string
  readonly note: string
}

export const NO_PROVENANCE: ProvenanceDraft = { source: 'phone', person: '', note: '' }

export function provenanceOf({ source, person, note }: ProvenanceDraft): ProvenanceInput {
  return { source, ...(person === '' ? {} : { person }), ...(note === '' ? {} : { note }) }
}

/** How something became known, as it is written down with it. */
export function ProvenanceFields({ value, onChange }: { readonly value: ProvenanceDraft; readonly onChange: (value: ProvenanceDraft) => void }) {
  return (
    <>
      <SelectField
        label="How did you learn it?"
        value={value.source}
        onChange={(event) => onChange({ ...value, source: event.target.value as ProvenanceDraft['source'] })}
        options={[
          ['phone', 'By phone'],
          ['mail', 'By mail'],
          ['portal', 'On the partner’s web page'],
          ['in-person', 'In person'],
          ['other', 'Another way'],
        ]}
      />
      <TextField label="Who confirmed it" value={value.person} onChange={(event) => onChange({ ...value, person: event.target.value })} />
      <TextField label="Note" value={value.note} onChange={(event) => onChange({ ...value, note: event.target.value })} />
    </>
  )
}
