import type { ReactNode } from 'react'
import { Guard } from './page.tsx'
import css from './ui.module.css'

/**
 * A list of records, one a row. A record that cannot be shown says so in its own row; the others stay. `look`: `item` sets the parts of
 * a row side by side, `pad` keeps it off the border, left out the row is what is rendered (a link, say). `last`: one more `li`.
 */
export function Rows<T>({ items, keyOf, look, label, last, children }: { readonly items: readonly T[]; readonly keyOf: (item: T) => string | number; readonly look?: 'item' | 'pad'; readonly label?: string; readonly last?: ReactNode; readonly children: (item: T) => ReactNode }) {
  return (
    <ul className={css['list']} aria-label={label}>
      {items.map((item) => (
        <li key={keyOf(item)} className={look === undefined ? undefined : css[look]}>
          <Guard>
            <Row item={item} show={children} />
          </Guard>
        </li>
      ))}
      {last}
    </ul>
  )
}

/** Rendered below the guard, so that what `show` throws is caught there. */
function Row<T>({ item, show }: { readonly item: T; readonly show: (item: T) => ReactNode }) {
  return show(item)
}
