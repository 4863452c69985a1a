/** How long somebody waits for what runs to end by itself. */
export interface Patience {
  readonly ms: number
  /** Ends it early. */
  readonly signal: AbortSignal
}

/** Resolves when the work has ended, or when there is no patience left; never rejects. */
export async function within(patience: Patience | undefined, work: Promise<unknown>): Promise<void> {
  if (patience === undefined || patience.ms === 0 || patience.signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, patience.ms)
  patience.signal.addEventListener('abort', () => resolve(), { once: true })
  void work.then(() => resolve(), () => resolve())
  await promise
  clearTimeout(timer)
}
