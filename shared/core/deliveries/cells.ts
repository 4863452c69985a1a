/** JSON in cells of the ledger's tables. */

/** For a cell; undefined leaves it as it is. */
export function jsonOrNull(value: unknown): string | null | undefined {
  if (value === undefined) return undefined
  return value === null ? null : JSON.stringify(value)
}

/** Our own JSON back; a damaged cell reads as null, so that one bad row never breaks a list. */
export function parsed<T>(text: string | null): T | null {
  if (text === null) return null
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}
