import { AlertTriangle, CheckCircle2, Clock3, LoaderCircle, OctagonX } from 'lucide-react'
import css from './ui.module.css'

export type Tone = 'ok' | 'run' | 'wait' | 'warn' | 'bad'

const SHAPES = { ok: CheckCircle2, run: LoaderCircle, wait: Clock3, warn: AlertTriangle, bad: OctagonX } as const

/** Shape, word and colour: each alone is enough. */
export function Status({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  const Shape = SHAPES[tone]
  return (
    <span className={`${css['status'] ?? ''} ${css[tone] ?? ''}`}>
      <Shape size={14} aria-hidden />
      {children}
    </span>
  )
}
