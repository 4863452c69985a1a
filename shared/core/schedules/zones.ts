/** Between instants and the wall clock of a named zone. A wall time is held as if it were UTC, in milliseconds. Pure. */
const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

const formats = new Map<string, Intl.DateTimeFormat>()

/** Whether this runtime has rules for the zone. */
export function isKnownZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' })
  formats.set(zone, format)
  return format
}

/** What has to be added to an instant to get the wall clock, in milliseconds. */
export function offsetAt(zone: string, instant: number): number {
  const second = Math.floor(instant / 1000) * 1000
  const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, seconds = 0] = formatOf(zone).format(second).split(/[/,: ]+/).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, seconds) - second
}

export function wallOf(zone: string, instant: number): number {
  return instant + offsetAt(zone, instant)
}

/**
 * The instant of a wall time. One that the clock shows twice is its first occurrence; one that it never shows is the instant right
 * after the gap.
 */
export function instantOf(zone: string, wall: number): number {
  const offsets = [offsetAt(zone, wall - DAY_MS), offsetAt(zone, wall + DAY_MS)]
  const instants = offsets.map((offset) => wall - offset).filter((instant) => offsetAt(zone, instant) === wall - instant)
  if (instants.length > 0) return Math.min(...instants)
  return changeBetween(zone, wall - Math.max(...offsets) - HOUR_MS, wall - Math.min(...offsets) + HOUR_MS) ?? wall - (offsets[0] ?? 0)
}

/** The first instant in (from, until] at which the zone's offset is another one than at `from`; null when it stays. */
export function changeBetween(zone: string, from: number, until: number): number | null {
  const before = offsetAt(zone, from)
  if (offsetAt(zone, until) === before) return null
  let [low, high] = [from, until]
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000
    if (middle <= low) break
    if (offsetAt(zone, middle) === before) low = middle
    else high = middle
  }
  return Math.ceil(high / 1000) * 1000
}

/** Start of the wall day that holds a wall time. */
export function dayOf(wall: number): number {
  return Math.floor(wall / DAY_MS) * DAY_MS
}

/** `2026-11-25` of a wall time. */
export function dateText(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10)
}
