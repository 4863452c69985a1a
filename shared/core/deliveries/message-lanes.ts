/** Messages need no session: each goes by itself, so many at a time to a partner, so many in all. */

const MOST_AT_ONCE = 32

export interface MessageLanes {
  /** `parallel`: how many may go to this lane's partner side by side. */
  add(id: string, lane: { readonly key: string; readonly parallel: number }): void
}

/** `run` never rejects; `done` is told of each when it has ended. */
export function createMessageLanes(run: (id: string) => Promise<void>, done: (id: string) => void): MessageLanes {
  const waiting = new Map<string, string[]>()
  const running = new Map<string, number>()
  let total = 0

  const next = (key: string, parallel: number): void => {
    const queue = waiting.get(key)
    if (queue === undefined) return
    while (queue.length > 0 && total < MOST_AT_ONCE && (running.get(key) ?? 0) < parallel) {
      const id = queue.shift()
      if (id === undefined) break
      total++
      running.set(key, (running.get(key) ?? 0) + 1)
      void run(id).finally(() => {
        total--
        running.set(key, (running.get(key) ?? 1) - 1)
        if (running.get(key) === 0) running.delete(key)
        done(id)
        next(key, parallel)
        // A place in the whole became free: others may have waited for it.
        for (const other of waiting.keys()) if (other !== key) next(other, 1)
      })
    }
    if (queue.length === 0) waiting.delete(key)
  }

  return {
    add(id, { key, parallel }) {
      const queue = waiting.get(key) ?? []
      waiting.set(key, queue)
      queue.push(id)
      next(key, parallel)
    },
  }
}
