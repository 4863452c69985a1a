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
  /** Calls when somebody waits for a place at this partner: whoever rests on one should give it back. Answers what ends it. */
  onWanted(partner: string, listener: () => void): () => void
}

interface Waiting {
  readonly partner: string
  readonly key: string
  readonly limits: SlotLimits
  readonly go: () => void
}

export function createConnectionSlots(): ConnectionSlots {
  const taken = new Map<string, number>()
  const listeners = new Map<string, Set<() => void>>()
  let waiting: Waiting[] = []

  const count = (key: string, by: number): void => {
    const now = (taken.get(key) ?? 0) + by
    if (now === 0) taken.delete(key)
    else taken.set(key, now)
  }
  const fits = ({ partner, key, limits }: Omit<Waiting, 'go'>): boolean => (taken.get(key) ?? 0) < limits.connection && (limits.partner === undefined || (taken.get(partner) ?? 0) < limits.partner)

  const letIn = (): void => {
    waiting = waiting.filter((one) => {
      if (!fits(one)) return true
      count(one.key, 1)
      count(one.partner, 1)
      one.go()
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
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          waiting = waiting.filter(({ go }) => go !== one.go)
          reject(signal.reason)
        }
        const one: Waiting = {
          partner,
          key,
          limits,
          go() {
            signal.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        waiting.push(one)
        letIn()
        if (waiting.includes(one)) ring(partner)
      })
      let held = true
      return () => {
        if (!held) return
        held = false
        count(key, -1)
        count(partner, -1)
        letIn()
      }
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
