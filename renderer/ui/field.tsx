import { useId, useState, type ComponentProps, type ReactNode } from 'react'
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

/** A problem is one of the value with which it was told: it goes as soon as another is entered, and comes back with the old one. */
function useProblemOf(value: unknown, problem: string | undefined): string | undefined {
  const [told, setTold] = useState({ problem, value })
  // Between two tries there is none, so the same words for another value are told anew.
  if (told.problem !== problem) setTold({ problem, value })
  return told.problem === problem && told.value !== value ? undefined : problem
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

export function TextField({ label, help, problem: told, ...rest }: FieldFacts & ComponentProps<'input'>) {
  const problem = useProblemOf(rest.value, told)
  const { id, described } = useFieldIds(help, problem)
  return (
    <Frame id={id} label={label} help={help} problem={problem}>
      <input {...rest} id={id} className={css['input']} aria-invalid={problem ? true : undefined} aria-describedby={described} />
    </Frame>
  )
}

export function TextArea({ label, help, problem: told, className, ...rest }: FieldFacts & ComponentProps<'textarea'>) {
  const problem = useProblemOf(rest.value, told)
  const { id, described } = useFieldIds(help, problem)
  return (
    <Frame id={id} label={label} help={help} problem={problem}>
      <textarea {...rest} id={id} className={`${css['input'] ?? ''} ${className ?? ''}`} aria-invalid={problem ? true : undefined} aria-describedby={described} />
    </Frame>
  )
}

export function SelectField({ label, help, problem: told, options, ...rest }: FieldFacts & ComponentProps<'select'> & { readonly options: readonly (readonly [value: string, text: string])[] }) {
  const problem = useProblemOf(rest.value, told)
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
