/** Keeps to the number of connections that a partner permits, whoever opens them: what is sent, what is collected, flows. */

export interface SlotLimits {
  /** Of this connection of the partner. */
  readonly connection: number
  /** Of all its connections together; undefined: no limit besides. */
  readonly partner: number | undefined
}

export interface ConnectionSlots {
  /** Waits for a place, in the order in which it was asked for; answers what gives it back (safe to call twice). Rejects with the signal's reason. */
  take(partner: string, connection: string, limits: SlotLimits, signal: AbortSignal): Promise<() => void>
  /** A place if there is one now, and nobody waits for it; else null. */
  tryTake(partner: string, connection: string, limits: SlotLimits): (() => void) | null
  /**
   * To be told by whoever holds a place and was refused by the server: for a while, no more are given than are open beside it.
   * False where there is no other, so that the refusal had another reason.
   */
  refused(partner: string, connection: string): boolean
  /** Calls when somebody waits for a place at this partner: whoever rests on one should give it back. Answers what ends it. */
  onWanted(partner: string, listener: () => void): () => void
}

interface Waiting {
  readonly partner: string
  readonly key: string
  readonly limits: SlotLimits
  readonly go: (giveBack: () => void) => void
}

/** How long a server is believed to take no more connections than it took. */
const LEARNED_FOR_MS = 10 * 60_000

export function createConnectionSlots(): ConnectionSlots {
  /** By connection: what its server was seen to take. */
  const learned = new Map<string, { readonly most: number; readonly until: number }>()
  const taken = new Map<string, number>()
  const listeners = new Map<string, Set<() => void>>()
  let waiting: Waiting[] = []

  const count = (key: string, by: number): void => {
    const now = (taken.get(key) ?? 0) + by
    if (now === 0) taken.delete(key)
    else taken.set(key, now)
  }
  const mostOf = (key: string, limit: number): number => {
    const { most, until } = learned.get(key) ?? { most: limit, until: Infinity }
    if (performance.now() < until) return Math.min(limit, most)
    learned.delete(key)
    return limit
  }
  const fits = ({ partner, key, limits }: Omit<Waiting, 'go'>): boolean => (taken.get(key) ?? 0) < mostOf(key, limits.connection) && (limits.partner === undefined || (taken.get(partner) ?? 0) < limits.partner)

  /** Answers what gives the place back. */
  const enter = (partner: string, key: string): (() => void) => {
    count(key, 1)
    count(partner, 1)
    let held = true
    return () => {
      if (!held) return
      held = false
      count(key, -1)
      count(partner, -1)
      letIn()
    }
  }

  const letIn = (): void => {
    waiting = waiting.filter((one) => {
      if (!fits(one)) return true
      one.go(enter(one.partner, one.key))
      return false
    })
  }

  const ring = (partner: string): void => {
    for (const listener of listeners.get(partner) ?? []) listener()
  }

  return {
    async take(partner, connection, limits, signal) {
      signal.throwIfAborted()
      const key = `${partner}/${connection}`
      return await new Promise<() => void>((resolve, reject) => {
        const onAbort = (): void => {
          waiting = waiting.filter(({ go }) => go !== one.go)
          reject(signal.reason)
        }
        const one: Waiting = {
          partner,
          key,
          limits,
          go(giveBack) {
            signal.removeEventListener('abort', onAbort)
            resolve(giveBack)
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        waiting.push(one)
        letIn()
        if (waiting.includes(one)) ring(partner)
      })
    },

    tryTake(partner, connection, limits) {
      const key = `${partner}/${connection}`
      return waiting.some((one) => one.partner === partner) || !fits({ partner, key, limits }) ? null : enter(partner, key)
    },

    refused(partner, connection) {
      const key = `${partner}/${connection}`
      const others = (taken.get(key) ?? 0) - 1
      if (others < 1) return false
      learned.set(key, { most: others, until: performance.now() + LEARNED_FOR_MS })
      return true
    },

    onWanted(partner, listener) {
      const all = listeners.get(partner) ?? new Set()
      listeners.set(partner, all)
      all.add(listener)
      if (waiting.some((one) => one.partner === partner)) listener()
      return () => {
        all.delete(listener)
        if (all.size === 0) listeners.delete(partner)
      }
    },
  }
}
