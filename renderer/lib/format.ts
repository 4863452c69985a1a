/** Numbers and times as people read them. */
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit] ?? 'B'}`
}

export function durationText(seconds: number): string {
  if (seconds < 1) return 'a moment'
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

/** `just now`, `5 min ago`, `yesterday`, else the day. */
export function relativeText(time: string, now: number): string {
  const seconds = Math.round((now - Date.parse(time)) / 1000)
  if (seconds < 0) return seconds > -90 ? 'in a moment' : `in ${durationText(-seconds)}`
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`
  if (seconds < 172_800) return 'yesterday'
  return absoluteText(time).slice(0, 10)
}

/** In this computer's zone, to the second. */
export function absoluteText(time: string): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `14:05`, and the day before it where it is not today. */
export function clockText(time: string, now: number = Date.now()): string {
  const text = absoluteText(time)
  const [day, clock] = [text.slice(0, 10), text.slice(11, 16)]
  return day === absoluteText(new Date(now).toISOString()).slice(0, 10) ? clock : `${day} ${clock}`
}

/** `14:05` of that day, in this computer's zone. */
export function timeText(at: string): string {
  return absoluteText(at).slice(11, 16)
}

/** `Wed 25 Nov, 14:05` in this computer's zone. */
export function shortText(at: string): string {
  return new Date(at).toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', ...yearOf(at), hour: '2-digit', minute: '2-digit' })
}

/** The year, where it is another one than this. */
function yearOf(at: string): { year?: 'numeric' } {
  return at.slice(0, 4) === new Date().toISOString().slice(0, 4) ? {} : { year: 'numeric' }
}

/** The same on the wall clock of a named zone. */
export function wallText(at: string, zone: string): string {
  return new Date(at).toLocaleString('en-GB', { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short', ...yearOf(at), hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
}

/** `Today`, `Yesterday`, else the day. */
export function dayText(at: string, now: number): string {
  const day = absoluteText(at).slice(0, 10)
  if (day === absoluteText(new Date(now).toISOString()).slice(0, 10)) return 'Today'
  if (day === absoluteText(new Date(now - 86_400_000).toISOString()).slice(0, 10)) return 'Yesterday'
  return new Date(at).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
}
