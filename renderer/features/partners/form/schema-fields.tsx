import { ChevronDown, ChevronUp, Plus } from 'lucide-react'
import { createContext, useContext, useId, useState, type ReactNode } from 'react'
import { TOLERATED } from '../../../../shared/contract/policy.ts'
import { Button } from '../../../ui/button.tsx'
import { Check, SelectField, TextArea, TextField } from '../../../ui/field.tsx'
import type { Problems } from '../draft.ts'
import type { Field, GroupSpec, RowsSpec, VariantSpec } from './fields.ts'
import { isShown, newRow, type GroupValue, type RowValue, type SecretValue, type Value, type Values, type VariantValue } from './values.ts'
import { choiceText } from './words.ts'
import css from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

/** A control that is made by hand; `path` ends with the field's own path. */
export interface ControlProps {
  readonly field: Field
  readonly value: Value
  readonly path: string
  readonly problems: Problems
  onChange(value: Value): void
}

type Controls = Readonly<Record<string, (props: ControlProps) => ReactNode>>

const ControlsContext = createContext<Controls>({})

/** Controls by hand, by the name of the field. */
export const HandMadeControls = ControlsContext.Provider

type Level = 'plain' | 'advanced'

interface FieldsProps {
  readonly fields: readonly Field[]
  readonly values: Values
  /** Path of the object in the document, `connections[0]`; empty for the document itself. */
  readonly path: string
  readonly problems: Problems
  /** Controls beside the plain fields: before and after them. */
  readonly first?: ReactNode
  readonly last?: ReactNode
  onChange(values: Values): void
}

/** The fields of a schema: those that are needed first, the others on demand. */
export function SchemaFields(props: FieldsProps) {
  const { fields, values, path, problems } = props
  const [open, setOpen] = useState(false)
  const id = useId()
  const hasMore = fields.some((field) => isAt(field, 'advanced', values))
  // What is wrong must be seen.
  const wrong = fields.some((field) => isAt(field, 'advanced', values) && wrongAdvanced(field, pathOf(path, field.name), problems))
  const shown = open || wrong
  return (
    <div className={ui['stack']}>
      <LevelFields {...props} level="plain" />
      {hasMore ? (
        <div className={ui['stack']}>
          <div>
            <Button compact look="plain" icon={shown ? <ChevronUp size={14} aria-hidden /> : <ChevronDown size={14} aria-hidden />} aria-expanded={shown} aria-controls={id} onClick={() => setOpen(!shown)}>
              {shown ? 'Fewer settings' : 'More settings'}
            </Button>
          </div>
          <div id={id} hidden={!shown}>
            {shown ? <LevelFields {...props} first={null} last={null} level="advanced" /> : null}
          </div>
        </div>
      ) : null}
    </div>
  )
}

function pathOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Whether a field, or a part of it, belongs to this level. */
function isAt(field: Field, level: Level, values: Values): boolean {
  if (!isShown(field, values)) return false
  if (field.advanced) return level === 'advanced'
  if (field.kind !== 'group' || level === 'plain') return level === 'plain'
  const value = values[field.name] as GroupValue
  return value.on && field.fields.some((inner) => isAt(inner, 'advanced', value.values))
}

function wrongAdvanced(field: Field, path: string, problems: Problems): boolean {
  if (field.advanced || field.kind !== 'group') return field.advanced && problems.below(path)
  return field.fields.some((inner) => wrongAdvanced(inner, pathOf(path, inner.name), problems))
}

function LevelFields({ fields, values, path, problems, onChange, first, last, level }: FieldsProps & { readonly level: Level }) {
  const own = useContext(ControlsContext)
  return (
    <div className={css['fields']}>
      {first}
      {fields
        .filter((field) => isAt(field, level, values))
        .map((field) => {
          const value = values[field.name]
          if (value === undefined) return null
          const set = (next: Value): void => onChange({ ...values, [field.name]: next })
          const props = { field, value, path: pathOf(path, field.name), problems, onChange: set }
          const Own = own[field.name]
          if (Own !== undefined) return <Own key={field.name} {...props} />
          // Inside an advanced group everything stands together.
          if (field.kind === 'group') return <Group key={field.name} {...props} spec={field} level={field.advanced ? 'all' : level} />
          return <Control key={field.name} {...props} />
        })}
      {last}
    </div>
  )
}

function Group({ spec, value, path, problems, onChange, level }: ControlProps & { readonly spec: GroupSpec; readonly level: Level | 'all' }) {
  const { on, values } = value as GroupValue
  const inner = { fields: spec.fields, values, path, problems, onChange: (next: Values) => onChange({ on, values: next }) }
  return (
    <fieldset className={`${ui['fieldset'] ?? ''} ${css['wide'] ?? ''}`}>
      <legend className={ui['label']}>{level === 'advanced' ? `${spec.title}: more` : spec.title}</legend>
      <div className={ui['stack']}>
        {spec.ask === undefined || level === 'advanced' ? null : <Check label={spec.ask} checked={on} onChange={(event) => onChange({ on: event.target.checked, values })} />}
        {spec.help === undefined || level === 'advanced' ? null : <p className={ui['help']}>{spec.help}</p>}
        {on && level !== 'advanced' ? <LevelFields {...inner} level="plain" /> : null}
        {on && level !== 'plain' ? <LevelFields {...inner} level="advanced" /> : null}
      </div>
    </fieldset>
  )
}

function Control(props: ControlProps): ReactNode {
  const { field, value, path, problems, onChange } = props
  const shared = { label: field.title, help: field.help, problem: problems.at(path), required: field.required }
  switch (field.kind) {
    case 'text':
      return <TextField {...shared} type={field.input} spellCheck={false} value={value as string} placeholder={field.example ?? ''} onChange={(event) => onChange(event.target.value)} />
    case 'number':
      return <TextField {...shared} inputMode="numeric" value={value as string} onChange={(event) => onChange(event.target.value)} />
    case 'check':
      return (
        <div className={ui['field']}>
          <Check label={field.title} checked={value as boolean} onChange={(event) => onChange(event.target.checked)} />
          {field.help === undefined ? null : <div className={ui['help']}>{field.help}</div>}
          {shared.problem === undefined ? null : <div className={ui['problem']} role="alert">{shared.problem}</div>}
        </div>
      )
    case 'choice':
      return <SelectField {...shared} value={value as string} onChange={(event) => onChange(event.target.value)} options={optionsOf(field.options, field.words, field.default === undefined ? (field.required ? 'Choose…' : 'All') : undefined)} />
    case 'lines':
      return <TextArea {...shared} className={css['lines']} spellCheck={false} value={value as string} onChange={(event) => onChange(event.target.value)} help={`${field.help ?? ''} One in a line.`.trim()} problem={problems.at(path) ?? problems.at(`${path}[0]`)} />
    case 'secret':
      return <SecretField {...props} />
    case 'variant':
      return <Variant {...props} spec={field} />
    case 'rows':
      return <Rows {...props} spec={field} />
    case 'group':
      return <Group {...props} spec={field} level="all" />
  }
}

function optionsOf(values: readonly string[], own: Readonly<Record<string, string>>, none: string | undefined): readonly (readonly [string, string])[] {
  const words = values.map((value) => [value, value in TOLERATED ? `${TOLERATED[value as keyof typeof TOLERATED]} (${value})` : (own[value] ?? choiceText(value))] as const)
  return none === undefined ? words : [['', none] as const, ...words]
}

/** Write-only: what is sealed is never shown again. */
export function SecretField({ field, value, path, problems, onChange }: ControlProps) {
  const { typed, sealed } = value as SecretValue
  return (
    <TextField
      label={field.title}
      type="password"
      autoComplete="off"
      required={field.required && !sealed}
      value={typed}
      placeholder={sealed ? 'unchanged' : ''}
      help={`${field.help ?? ''} Sealed at once; it is never shown again.`.trim()}
      problem={problems.at(path)}
      onChange={(event) => onChange({ typed: event.target.value, sealed })}
    />
  )
}

function Variant({ spec, value, path, problems, onChange }: ControlProps & { readonly spec: VariantSpec }) {
  const { chosen, cases } = value as VariantValue
  const fields = spec.cases.find(({ value: name }) => name === chosen)?.fields ?? []
  return (
    <fieldset className={`${ui['fieldset'] ?? ''} ${css['wide'] ?? ''}`}>
      <legend className={ui['label']}>{spec.title}</legend>
      <div className={ui['stack']}>
        <SelectField label="Kind" value={chosen} onChange={(event) => onChange({ chosen: event.target.value, cases })} options={spec.cases.map(({ value: name }) => [name, choiceText(name)] as const)} />
        <SchemaFields fields={fields} values={cases[chosen] ?? {}} path={path} problems={problems} onChange={(next) => onChange({ chosen, cases: { ...cases, [chosen]: next } })} />
      </div>
    </fieldset>
  )
}

const ROW_NAMES: Readonly<Record<string, string>> = { contacts: 'contact', exceptions: 'exception' }

function Rows({ field, spec, value, path, problems, onChange }: ControlProps & { readonly spec: RowsSpec }) {
  const rows = value as readonly RowValue[]
  const one = ROW_NAMES[field.name] ?? 'entry'
  return (
    <div className={`${ui['stack'] ?? ''} ${css['wide'] ?? ''}`}>
      <h3>{field.title}</h3>
      {rows.map((row, index) => (
        <fieldset key={row.key} className={ui['fieldset']}>
          <legend className={ui['label']}>
            {one[0]?.toUpperCase()}
            {one.slice(1)} {index + 1}
          </legend>
          <div className={ui['stack']}>
            <SchemaFields fields={spec.fields} values={row.values} path={`${path}[${index}]`} problems={problems} onChange={(values) => onChange(rows.map((other) => (other.key === row.key ? { ...other, values } : other)))} />
            <div>
              <Button compact onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}>
                Remove {one}
              </Button>
            </div>
          </div>
        </fieldset>
      ))}
      <div>
        <Button compact icon={<Plus size={14} aria-hidden />} onClick={() => onChange([...rows, newRow(spec)])}>
          Add {one}
        </Button>
      </div>
    </div>
  )
}
