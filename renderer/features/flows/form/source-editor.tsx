import { useContext } from 'react'
import { useCall } from '../../../lib/use-call.ts'
import { SelectField } from '../../../ui/field.tsx'
import type { ControlProps } from '../../partners/form/schema-fields.tsx'
import type { Values, VariantValue } from '../../partners/form/values.ts'
import { FilesLikeContext, FolderField } from './folder-field.tsx'
import form from '../../../ui/form.module.css'

/** Where files stand: a folder of this computer, or what came from a partner. */
export function SourceEditor({ value, path, problems, onChange }: ControlProps) {
  const like = useContext(FilesLikeContext)
  const { chosen, cases } = value as VariantValue
  const partners = useCall('source.partners', (client) => client.partners.list({ limit: 1000 }))
  const set = (kind: string, values: Values): void => onChange({ chosen, cases: { ...cases, [kind]: { ...cases[kind], ...values } } })
  return (
    <div className={`${form['fields'] ?? ''} ${form['wide'] ?? ''}`}>
      <SelectField
        label="Files from"
        value={chosen}
        onChange={(event) => onChange({ chosen: event.target.value, cases })}
        options={[
          ['folder', 'A folder of this computer'],
          ['inbox', 'The Inbox of a partner'],
        ]}
      />
      {chosen === 'folder' ? (
        <FolderField label="Folder" required placeholder="/home/mia/Outbox" value={String(cases['folder']?.['folder'] ?? '')} help="Its full path. Hidden and half-written files are left alone." problem={problems.at(`${path}.folder`)} like={like} onChange={(folder) => set('folder', { folder })} />
      ) : (
        <SelectField label="Partner" required value={String(cases['inbox']?.['partner'] ?? '')} problem={problems.at(`${path}.partner`)} onChange={(event) => set('inbox', { partner: event.target.value })} options={[['', 'Choose…'], ...(partners.data?.partners ?? []).map(({ id, name }) => [id, name] as const)]} />
      )}
    </div>
  )
}
