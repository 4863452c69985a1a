import { Link, useLocation } from 'wouter'
import ui from '../../ui/ui.module.css'

const TABS = [
  ['/flows', 'Flows'],
  ['/due-times', 'Due times'],
  ['/expectations', 'Expectations'],
  ['/notifications', 'Notifications'],
] as const

/** Places that belong to flows. */
export const FLOW_PLACES: readonly string[] = TABS.map(([path]) => path)

export function FlowTabs() {
  const [location] = useLocation()
  return (
    <nav className={ui['tabs']} aria-label="Flows">
      {TABS.map(([path, name]) => (
        <Link key={path} href={path} aria-current={location === path ? 'page' : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  )
}
