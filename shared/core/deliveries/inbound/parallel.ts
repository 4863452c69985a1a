/** Enough to hide the waiting for disks and lines; few enough that no server feels attacked. */
const AT_ONCE = 8

/** Runs an action for each item, several at a time; the first failure ends the rest and is thrown. */
export async function forEachOf<T>(items: readonly T[], action: (item: T) => Promise<void>, atOnce = AT_ONCE): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next] as T
      next += 1
      await action(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
