/** Ages in days, as findings tell them. Pure. */
export const DAY_MS = 86_400_000

/** Whole days from one time to another. */
export function daysBetween(from: string | number, to: string | number): number {
  const ms = (time: string | number): number => (typeof time === 'number' ? time : Date.parse(time))
  return Math.floor((ms(to) - ms(from)) / DAY_MS)
}

export function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

/** The day of a time, `2026-11-25`. */
export const dayOf = (time: string): string => time.slice(0, 10)
