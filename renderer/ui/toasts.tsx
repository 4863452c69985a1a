import { X } from 'lucide-react'
import { create } from 'zustand'
import { IconButton } from './button.tsx'
import { Status, type Tone } from './status.tsx'
import css from './ui.module.css'

interface Toast {
  readonly id: number
  readonly tone: Tone
  readonly word: string
  readonly text: string
}

const SHOWN_MS = 10_000
let nextId = 0

const useToasts = create<{ readonly toasts: readonly Toast[] }>(() => ({ toasts: [] }))

function remove(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }))
}

/** Says something in passing; read out by screen readers. The same again takes the place of what was said. */
export function toast(tone: Tone, word: string, text: string): void {
  const id = nextId++
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.filter((shown) => shown.word !== word || shown.text !== text).slice(-3), { id, tone, word, text }] }))
  setTimeout(() => remove(id), SHOWN_MS)
}

export function Toasts() {
  const toasts = useToasts((state) => state.toasts)
  return (
    <div className={css['toasts']} role="status" aria-live="polite">
      {toasts.map(({ id, tone, word, text }) => (
        <div key={id} className={css['toast']}>
          <div className={css['grow']}>
            <Status tone={tone}>{word}</Status>
            <p>{text}</p>
          </div>
          <IconButton label="Dismiss" onClick={() => remove(id)}>
            <X size={14} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  )
}
