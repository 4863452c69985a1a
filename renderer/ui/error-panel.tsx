import { textOf, type WireError } from '../../shared/contract/errors/index.ts'
import css from './ui.module.css'

interface ShownError {
  readonly code: string
  readonly message: string
  readonly details?: WireError['details'] | Readonly<Record<string, string>> | undefined
}

/** What happened, why we think so, what to do; the technical facts below, to copy. */
export function ErrorPanel({ error }: { readonly error: ShownError }) {
  const text = textOf(error)
  const details = Object.entries(error.details ?? {})
  return (
    <div className={css['error']} role="alert">
      <p className={css['strong']}>{text.title}</p>
      <p>{text.happened}</p>
      <ol>
        {text.todo.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <details>
        <summary>Details</summary>
        <p className="mono">
          {error.code}: {error.message}
        </p>
        {details.map(([name, value]) => (
          <p key={name} className="mono">
            {name}: {value}
          </p>
        ))}
      </details>
    </div>
  )
}
