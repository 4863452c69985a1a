import { Check, Copy } from 'lucide-react'
import { Fragment, useState, type ReactNode } from 'react'
import { IconButton } from './button.tsx'
import css from './ui.module.css'

/** Labels and values in two columns; empty values are left out. */
export function Facts({ items }: { readonly items: readonly (readonly [label: string, value: ReactNode])[] }) {
  return (
    <dl className={css['facts']}>
      {items
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([label, value]) => (
          <Fragment key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  )
}

/** A value that people compare or pass on: fingerprint, hash, id. */
export function Copyable({ value, label }: { readonly value: string; readonly label: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(value)
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <span className={css['copyable']}>
      <code>{value}</code>
      <IconButton label={copied ? 'Copied' : `Copy ${label}`} onClick={() => void copy().catch(() => undefined)}>
        {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      </IconButton>
    </span>
  )
}
