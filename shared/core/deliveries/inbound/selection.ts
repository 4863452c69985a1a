/** Which of the partner's files are taken now. Pure. */
import type { ReceiveSettings } from '../../../contract/connections/common.ts'
import type { RemoteFile } from '../../protocols/file-protocol.ts'

/** Endings that programs give to files which they are still writing. */
const UNFINISHED = ['.filepart', '.partial', '.part', '.tmp', '.upload', '.crdownload', '.filepart~']

/** What is remembered of a file at the partner. */
export interface KnownFile {
  readonly size: number
  readonly modifiedAt: string | null
  readonly version: string | null
  /** Since when size, time and version are as they are, in milliseconds. */
  readonly unchangedSince: number
  readonly taken: boolean
}

export interface Selection {
  readonly take: readonly RemoteFile[]
  readonly waiting: readonly { readonly name: string; readonly reason: 'not-stable' | 'no-marker'; readonly ready: number }[]
  readonly ignored: readonly RemoteFile[]
}

/**
 * Chooses from a listing. `known` has every file of it under its name. Of `waiting`, `ready` is the time in milliseconds at
 * which the file can be taken if it stays as it is (Infinity where that does not depend on time).
 */
export function selectFiles(listing: readonly RemoteFile[], known: ReadonlyMap<string, KnownFile>, settings: ReceiveSettings, now: number): Selection {
  const wanted = createMatcher(settings.patterns)
  const unwanted = createMatcher(settings.except)
  const names = new Set(listing.map(({ name }) => name))
  const take: RemoteFile[] = []
  const waiting: Selection['waiting'][number][] = []
  const ignored: RemoteFile[] = []
  for (const file of listing) {
    const seen = known.get(file.name)
    const isMarker = settings.marker !== undefined && file.name.endsWith(settings.marker)
    if (file.kind !== 'file' || isMarker || isUnfinished(file.name) || !wanted(file.name) || unwanted(file.name) || seen?.taken === true) {
      ignored.push(file)
      continue
    }
    if (settings.marker !== undefined) {
      if (names.has(`${file.name}${settings.marker}`)) take.push(file)
      else waiting.push({ name: file.name, reason: 'no-marker', ready: Infinity })
      continue
    }
    const ready = (seen?.unchangedSince ?? now) + settings.stableSeconds * 1000
    if (ready <= now) take.push(file)
    else waiting.push({ name: file.name, reason: 'not-stable', ready })
  }
  // Oldest first: partners number their files, and whoever processes them expects the order.
  take.sort((left, right) => (left.modifiedAt ?? '').localeCompare(right.modifiedAt ?? '') || left.name.localeCompare(right.name))
  return { take, waiting, ignored }
}

/** Hidden files and those of a program that is still writing. */
export function isUnfinished(name: string): boolean {
  const lower = name.toLowerCase()
  return name.startsWith('.') || UNFINISHED.some((ending) => lower.endsWith(ending))
}

/** Whether a name fits one of the patterns; `*` any run of characters, `?` one, upper and lower case alike. No pattern fits nothing. */
export function createMatcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map((pattern) => foldPattern(pattern))
  return (name) => expressions.some((pattern) => fits(name.normalize('NFC').toLowerCase(), pattern))
}

function foldPattern(pattern: string): string {
  return pattern.normalize('NFC').toLowerCase().replaceAll(/\*+/g, '*')
}

/** Without regular expressions: a hostile pair of name and pattern must not take exponential time. */
function fits(name: string, pattern: string): boolean {
  let at = 0
  let place = 0
  let star = -1
  let retry = 0
  while (place < name.length) {
    if (at < pattern.length && (pattern[at] === '?' || (pattern[at] === name[place] && pattern[at] !== '*'))) {
      at += 1
      place += 1
    } else if (pattern[at] === '*') {
      star = at
      retry = place
      at += 1
    } else if (star >= 0) {
      retry += 1
      place = retry
      at = star + 1
    } else return false
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}
