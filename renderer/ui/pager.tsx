import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Button } from './button.tsx'
import css from './ui.module.css'

/** Leafs through a long list; nothing while all of it fits on one page. */
export function Pager({ offset, size, total, onChange }: { readonly offset: number; readonly size: number; readonly total: number; readonly onChange: (offset: number) => void }) {
  if (total <= size) return null
  return (
    <nav className={css['row']} aria-label="Pages">
      <Button compact disabled={offset === 0} icon={<ChevronLeft size={14} aria-hidden />} onClick={() => onChange(Math.max(0, offset - size))}>
        Previous
      </Button>
      <span className="quiet small">
        {offset + 1} to {Math.min(total, offset + size)} of {total}
      </span>
      <Button compact disabled={offset + size >= total} icon={<ChevronRight size={14} aria-hidden />} onClick={() => onChange(offset + size)}>
        Next
      </Button>
    </nav>
  )
}
