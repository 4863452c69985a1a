/** Small contents that were just stored, so that the next step need not read, derive a key and decrypt what is still at hand. */

export interface RecentContents {
  put(sha256: string, content: Buffer): void
  get(sha256: string): Buffer | undefined
  forget(sha256: string): void
}

/** The oldest go when `maxBytes` are kept. */
export function createRecentContents(maxBytes: number): RecentContents {
  const kept = new Map<string, Buffer>()
  let bytes = 0

  const forget = (sha256: string): void => {
    bytes -= kept.get(sha256)?.length ?? 0
    kept.delete(sha256)
  }

  return {
    put(sha256, content) {
      forget(sha256)
      kept.set(sha256, content)
      bytes += content.length
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break
        forget(oldest)
      }
    },
    get: (sha256) => kept.get(sha256),
    forget,
  }
}
