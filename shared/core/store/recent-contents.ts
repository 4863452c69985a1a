/**
 * Small contents that were just stored, so that the next step need not read, derive a key and decrypt what is still at hand. They lie in one
 * ring of bytes: as objects of their own they would grow old and pile up until V8 looks for old ones.
 */

export interface RecentContents {
  put(sha256: string, content: Buffer): void
  /** A copy. */
  get(sha256: string): Buffer | undefined
  forget(sha256: string): void
}

interface Place {
  readonly at: number
  readonly length: number
}

/** The oldest make room for new ones; what has no room at all is not kept. */
export function createRecentContents(bytes: number): RecentContents {
  let ring: Buffer | null = null
  /** In the order in which they lie in the ring, beginning with the oldest. */
  const places = new Map<string, Place>()
  let next = 0

  const makeRoom = (at: number, length: number): void => {
    for (const [sha256, place] of places) {
      if (place.at >= at + length || place.at + place.length <= at) return
      places.delete(sha256)
    }
  }

  return {
    put(sha256, content) {
      const { length } = content
      // An empty one has no place at which others would meet it.
      if (length === 0 || length > bytes) return
      places.delete(sha256)
      if (next + length > bytes) {
        // What lies between here and the end would be the oldest from now on, and in nobody's way.
        makeRoom(next, bytes - next)
        next = 0
      }
      makeRoom(next, length)
      ring ??= Buffer.allocUnsafeSlow(bytes)
      ring.set(content, next)
      places.set(sha256, { at: next, length })
      next += length
    },
    get(sha256) {
      const place = places.get(sha256)
      return place === undefined || ring === null ? undefined : Buffer.from(ring.subarray(place.at, place.at + place.length))
    },
    forget: (sha256) => void places.delete(sha256),
  }
}
