import { Component, type ErrorInfo, type ReactNode } from 'react'
import { ErrorPanel } from './error-panel.tsx'
import css from './ui.module.css'

/** The frame of a screen: title, one line about it, its actions. */
export function Page({ title, about, actions, children }: { readonly title: string; readonly about?: ReactNode; readonly actions?: ReactNode; readonly children: ReactNode }) {
  return (
    <div className={css['page']}>
      <header className={css['head']}>
        <div>
          <h1>{title}</h1>
          {about ? <p className="quiet">{about}</p> : null}
        </div>
        <div className={css['row']}>{actions}</div>
      </header>
      {children}
    </div>
  )
}

/** `id`: what an address may lead to behind its #. */
export function Card({ id, title, actions, children, flush = false }: { readonly id?: string; readonly title?: string; readonly actions?: ReactNode; readonly children: ReactNode; readonly flush?: boolean }) {
  return (
    <section id={id} className={css['stack']} aria-label={title}>
      {title ? (
        <div className={css['row']}>
          <h2 className={css['grow']}>{title}</h2>
          {actions}
        </div>
      ) : null}
      <div className={`${css['card'] ?? ''} ${flush ? '' : (css['pad'] ?? '')}`}>{children}</div>
    </section>
  )
}

export function Empty({ title, children, action }: { readonly title: string; readonly children: ReactNode; readonly action?: ReactNode }) {
  return (
    <div className={css['empty']}>
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  )
}

/** Keeps the place of what is on its way, so that nothing jumps. */
export function Skeleton({ height }: { readonly height: number }) {
  return <div className={css['skeleton']} style={{ height }} aria-hidden data-waiting />
}

export function ProgressBar({ label, done, total }: { readonly label: string; readonly done: number; readonly total: number }) {
  const percent = total === 0 ? 100 : Math.min(100, Math.round((done / total) * 100))
  return (
    <div className={css['bar']} role="progressbar" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <div style={{ width: `${percent}%` }} />
    </div>
  )
}

/** A part that breaks says so in its own place; the rest of the screen stays. */
export class Guard extends Component<{ readonly children: ReactNode }, { readonly problem: Error | null }> {
  override state: { readonly problem: Error | null } = { problem: null }

  static getDerivedStateFromError(problem: Error): { problem: Error } {
    return { problem }
  }

  override componentDidCatch(_: Error, __: ErrorInfo): void {
    // Shown in place; there is nowhere else to report it to.
  }

  override render(): ReactNode {
    const { problem } = this.state
    return problem === null ? this.props.children : <ErrorPanel error={{ code: 'internal.unexpected', message: problem.message }} />
  }
}
