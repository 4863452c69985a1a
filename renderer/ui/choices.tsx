import css from './ui.module.css'

/** A question with few answers, each told in a line. Without `chosen` none stands: picking one leads on. */
export function Choices<T extends string>({ label, options, chosen, onChoose }: { readonly label: string; readonly options: readonly (readonly [value: T, title: string, about: string])[]; readonly chosen?: T; readonly onChoose: (value: T) => void }) {
  return (
    <div className={css['choices']} role={chosen === undefined ? 'group' : 'radiogroup'} aria-label={label}>
      {options.map(([value, title, about]) => (
        <button key={value} type="button" className={css['choice']} onClick={() => onChoose(value)} {...(chosen === undefined ? {} : { role: 'radio', 'aria-checked': chosen === value })}>
          <span className={css['strong']}>{title}</span>
          <span className="quiet small">{about}</span>
        </button>
      ))}
    </div>
  )
}
