/**
 * Until when the runtimes that Waybill stands on are mended. Waybill asks nobody, so this list is part of it; what is newer than the list
 * is judged by the age of the program alone.
 */

/** Last day of support by major version. Source: nodejs/Release, schedule.json (Node.js Release Working Group), as of 2026-11. */
export const NODE_ENDS: Readonly<Record<number, string>> = { 18: '2025-04-30', 20: '2026-04-30', 22: '2027-04-30', 24: '2028-04-30' }

/** Last day of support by major version. Source: releases.electronjs.org/schedule as kept by endoflife.date, as of 2026-11; the three newest are supported. */
export const ELECTRON_ENDS: Readonly<Record<number, string>> = { 44: '2027-03-02' }

/** Null: not known. A version below the oldest of the list has ended; an odd Node, which lives for half a year, too. */
export function endOf(ends: Readonly<Record<number, string>>, version: string): string | null {
  const major = Number(version.split('.')[0])
  const known = ends[major]
  if (known !== undefined) return known
  const [oldest, ...others] = Object.keys(ends).map(Number)
  if (oldest === undefined) return null
  const next = others.find((one) => one > major)
  return major < oldest ? (ends[oldest] ?? null) : next === undefined ? null : (ends[next] ?? null)
}
