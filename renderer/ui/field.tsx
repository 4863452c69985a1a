import { useId, type ComponentProps, type ReactNode } from 'react'
import css from './ui.module.css'

interface FieldFacts {
  readonly label: string
  readonly help?: ReactNode
  readonly problem?: string | undefined
}

/** Ties label, help and problem to one control. */
function useFieldIds(help: ReactNode, problem: string | undefined) {
  const id = useId()
  const described = [help ? `${id}-help` : '', problem ? `${id}-problem` : ''].filter(Boolean).join(' ')
  return { id, described: described === '' ? undefined : described }
}

function Frame({ id, label, help, problem, children }: FieldFacts & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className={css['field']}>
      <label className={css['label']} htmlFor={id}>
        {label}
      </label>
      {children}
      {help ? (
        <div className={css['help']} id={`${id}-help`}>
          {help}
        </div>
      ) : null}
      {problem ? (
        <div className={css['problem']} id={`${id}-problem`} role="alert">
          {problem}
        </div>
      ) : null}
    </div>
  )
}

export function TextField({ label, help, problem, ...rest }: FieldFacts & ComponentProps<'input'>) {
  const { id, described } = useFieldIds(help, problem)
  return (
    <Frame id={id} label={label} help={help} problem={problem}>
      <input {...rest} id={id} className={css['input']} aria-invalid={problem ? true : undefined} aria-describedby={described} />
    </Frame>
  )
}

export function TextArea({ label, help, problem, className, ...rest }: FieldFacts & ComponentProps<'textarea'>) {
  const { id, described } = useFieldIds(help, problem)
  return (
    <Frame id={id} label={label} help={help} problem={problem}>
      <textarea {...rest} id={id} className={`${css['input'] ?? ''} ${className ?? ''}`} aria-invalid={problem ? true : undefined} aria-describedby={described} />
    </Frame>
  )
}

export function SelectField({ label, help, problem, options, ...rest }: FieldFacts & ComponentProps<'select'> & { readonly options: readonly (readonly [value: string, text: string])[] }) {
  const { id, described } = useFieldIds(help, problem)
  return (
    <Frame id={id} label={label} help={help} problem={problem}>
      <select {...rest} id={id} className={css['input']} aria-invalid={problem ? true : undefined} aria-describedby={described}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  )
}

export function Check({ label, ...rest }: ComponentProps<'input'> & { readonly label: ReactNode }) {
  return (
    <label className={css['check']}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  )
}
