import type { KeyboardEvent } from 'react'
import css from './ui.module.css'

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

/**
 * A question with few answers, each told in a line. Arrow keys walk through them and choose, as in every group of radio buttons.
 * Without `chosen` none stands: picking one leads on, so that each is a stop of its own.
 */
export function Choices<T extends string>({ label, options, chosen, onChoose }: { readonly label: string; readonly options: readonly (readonly [value: T, title: string, about: string])[]; readonly chosen?: T; readonly onChoose: (value: T) => void }) {
  const walk = (event: KeyboardEvent<HTMLButtonElement>, index: number): void => {
    const step = STEPS[event.key]
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const next = (index + step + options.length) % options.length
    const value = options[next]?.[0]
    if (value === undefined) return
    const group = event.currentTarget.parentElement
    onChoose(value)
    ;(group?.children[next] as HTMLElement | undefined)?.focus()
  }
  return (
    <div className={css['choices']} role={chosen === undefined ? 'group' : 'radiogroup'} aria-label={label}>
      {options.map(([value, title, about], index) => (
        <button key={value} type="button" className={css['choice']} onClick={() => onChoose(value)} {...(chosen === undefined ? {} : { role: 'radio', 'aria-checked': chosen === value, tabIndex: chosen === value ? 0 : -1, onKeyDown: (event: KeyboardEvent<HTMLButtonElement>) => walk(event, index) })}>
          <span className={css['strong']}>{title}</span>
          <span className="quiet small">{about}</span>
        </button>
      ))}
    </div>
  )
}
