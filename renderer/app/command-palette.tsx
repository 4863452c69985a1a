import { useEffect, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { useCall } from '../lib/use-call.ts'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import css from './app.module.css'

interface Entry {
  readonly name: string
  readonly kind: string
  readonly path: string
}

const PLACES: readonly Entry[] = [
  { name: 'Overview', kind: 'Go to', path: '/' },
  { name: 'Partners', kind: 'Go to', path: '/partners' },
  { name: 'Add partner', kind: 'Do', path: '/partners/new' },
  { name: 'Deliveries', kind: 'Go to', path: '/deliveries' },
  { name: 'Flows', kind: 'Go to', path: '/flows' },
  { name: 'New flow', kind: 'Do', path: '/flows/new' },
  { name: 'Expectations', kind: 'Go to', path: '/expectations' },
  { name: 'New expectation', kind: 'Do', path: '/expectations/new' },
  { name: 'Notifications', kind: 'Go to', path: '/notifications' },
  { name: 'Due times', kind: 'Go to', path: '/due-times' },
  { name: 'Keys & certificates', kind: 'Go to', path: '/trust' },
  { name: 'Posture', kind: 'Go to', path: '/posture' },
  { name: 'Audit', kind: 'Go to', path: '/audit' },
  { name: 'Settings', kind: 'Go to', path: '/settings' },
]

/** Entries whose name holds every word of the search. */
export function matchingEntries(entries: readonly Entry[], search: string): readonly Entry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return entries.filter(({ name, kind }) => words.every((word) => `${kind} ${name}`.toLowerCase().includes(word))).slice(0, 12)
}

/** Ctrl or ⌘ and K: everything by name. `?` shows the keys. */
export function CommandPalette() {
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, select') !== null
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setOpen('palette')
      } else if (event.key === '?' && !typing) setOpen('keys')
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  const close = (): void => setOpen(null)
  return (
    <>
      <Dialog title="Find" open={open === 'palette'} onClose={close}>
        <Finder onDone={close} />
      </Dialog>
      <Dialog title="Keys" open={open === 'keys'} onClose={close}>
        <dl className={css['keys']}>
          <dt className="mono">Ctrl K</dt>
          <dd>Find a place, a partner or a delivery</dd>
          <dt className="mono">Tab, Shift Tab</dt>
          <dd>Move between controls</dd>
          <dt className="mono">Enter, Space</dt>
          <dd>Press what has the focus</dd>
          <dt className="mono">Escape</dt>
          <dd>Close a dialog</dd>
          <dt className="mono">?</dt>
          <dd>This list</dd>
        </dl>
      </Dialog>
    </>
  )
}

function Finder({ onDone }: { readonly onDone: () => void }) {
  const [, navigate] = useLocation()
  const [search, setSearch] = useState('')
  const [active, setActive] = useState(0)
  const partners = useCall('palette.partners', (client) => client.partners.list({ limit: 200 }))
  const deliveries = useCall('palette.deliveries', (client) => client.deliveries.list({ limit: 50 }))
  const entries = useMemo<readonly Entry[]>(
    () => [
      ...PLACES,
      ...(partners.data?.partners ?? []).map(({ id, name }) => ({ name, kind: 'Partner', path: `/partners/${id}` })),
      ...(deliveries.data?.deliveries ?? []).map(({ id, fileName, partner }) => ({ name: `${fileName} → ${partner}`, kind: 'Delivery', path: `/deliveries/${id}` })),
    ],
    [partners.data, deliveries.data],
  )
  const found = matchingEntries(entries, search)
  const choose = (entry: Entry | undefined): void => {
    if (entry === undefined) return
    onDone()
    navigate(entry.path)
  }
  return (
    <div className={css['palette']}>
      <TextField
        label="Name of a place, partner or file"
        autoFocus
        value={search}
        onChange={(event) => {
          setSearch(event.target.value)
          setActive(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setActive((at) => Math.min(found.length - 1, at + 1))
          else if (event.key === 'ArrowUp') setActive((at) => Math.max(0, at - 1))
          else if (event.key === 'Enter') choose(found[active])
          else return
          event.preventDefault()
        }}
      />
      <div className={css['results']}>
        {found.map((entry, index) => (
          <button key={entry.path} type="button" className={css['result']} data-active={index === active} onClick={() => choose(entry)}>
            <span>{entry.name}</span>
            <span className="quiet small">{entry.kind}</span>
          </button>
        ))}
        {found.length === 0 ? <p className="quiet">Nothing has that name.</p> : null}
      </div>
    </div>
  )
}
