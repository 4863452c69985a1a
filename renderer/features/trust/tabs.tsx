import { Link, useLocation } from 'wouter'
import ui from '../../ui/ui.module.css'

const TABS = [
  ['/trust', 'Inventory'],
  ['/trust/expiry', 'What ends when'],
  ['/trust/rollover', 'Planned changes'],
  ['/trust/policy', 'Policy & approval'],
] as const

/** The pages of keys and certificates. */
export function TrustTabs() {
  const [location] = useLocation()
  return (
    <nav className={ui['tabs']} aria-label="Keys and certificates">
      {TABS.map(([path, name]) => (
        <Link key={path} href={path} aria-current={location === path ? 'page' : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  )
}
