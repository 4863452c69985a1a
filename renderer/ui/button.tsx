import type { ComponentProps, ReactNode } from 'react'
import css from './ui.module.css'

type Look = 'normal' | 'primary' | 'danger' | 'plain'

export function Button({ look = 'normal', compact = false, icon, children, className, ...rest }: ComponentProps<'button'> & { readonly look?: Look; readonly compact?: boolean; readonly icon?: ReactNode }) {
  const classes = [css['button'], look === 'normal' ? '' : css[look], compact ? css['compact'] : '', className ?? '']
  return (
    <button type="button" {...rest} className={classes.filter(Boolean).join(' ')}>
      {icon}
      {children}
    </button>
  )
}

/** A button that shows only a sign; its name is for the tool tip and for screen readers. */
export function IconButton({ label, children, ...rest }: ComponentProps<'button'> & { readonly label: string }) {
  return (
    <button type="button" {...rest} aria-label={label} title={label} className={css['icon']}>
      {children}
    </button>
  )
}
