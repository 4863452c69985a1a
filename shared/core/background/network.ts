/** Whether there is a network: as the system says, or as the failures of several connections show. */
import type { NetworkState } from '../../contract/background.ts'
import type { Clock } from '../kernel/clock.ts'
import { timestamp } from '../kernel/clock.ts'
import { isDown, looksOffline, withSighting, type Sighting } from './rules.ts'

/** While nobody tells, one delivery or look tries so often whether the network is back. */
const PROBE_EVERY_MS = 60_000

export interface Network {
  state(): NetworkState
  /** As the desktop tells; null where it does not know. */
  tell(told: { readonly online: boolean | null; readonly metered: boolean | null }): void
  /** A server could not be reached. */
  failed(host: string, code: string): void
  /** A server answered, whatever it said. */
  answered(): void
  /** Whether an answer would tell anything new. */
  isDoubtful(): boolean
  /** True once in a while: somebody may try although nothing seems to be reachable. */
  mayProbe(): boolean
  /** Looks at the addresses of this computer. */
  look(): void
}

export function createNetwork(deps: { readonly clock: Clock; readonly hasAddress: () => boolean; readonly waitsOnMetered: () => boolean; readonly onChange: (now: NetworkState, before: NetworkState) => void }): Network {
  const { clock, hasAddress } = deps
  let told = { online: null as boolean | null, metered: null as boolean | null }
  let sightings: readonly Sighting[] = []
  let down = false
  let hadAddress = true
  let probedAt = 0
  let state: NetworkState = { state: 'online', since: timestamp(clock.now()), source: 'observed' }

  const decide = (): void => {
    const now: Pick<NetworkState, 'state' | 'source'> =
      told.online === false ? { state: 'offline', source: 'system' } : down ? { state: 'offline', source: 'observed' } : told.metered === true && deps.waitsOnMetered() ? { state: 'metered', source: 'system' } : { state: 'online', source: told.online === null ? 'observed' : 'system' }
    if (now.state === state.state && now.source === state.source) return
    const before = state
    state = { ...now, since: now.state === before.state ? before.since : timestamp(clock.now()) }
    if (before.state !== state.state) deps.onChange(state, before)
  }

  const answered = (): void => {
    sightings = []
    down = false
    decide()
  }

  return {
    state: () => state,
    tell(next) {
      // The system knows of a network that has just come; what failed before says nothing about it.
      if (next.online === true && told.online !== true) {
        sightings = []
        down = false
      }
      told = { ...next }
      decide()
    },
    failed(host, code) {
      if (!looksOffline(code)) return answered()
      sightings = withSighting(sightings, { host, at: clock.now() })
      hadAddress = hasAddress()
      if (!down && isDown(sightings, hadAddress)) {
        down = true
        probedAt = clock.now()
      }
      decide()
    },
    answered,
    isDoubtful: () => sightings.length > 0 || down,
    mayProbe() {
      if (state.state !== 'offline' || state.source !== 'observed' || clock.now() - probedAt < PROBE_EVERY_MS) return false
      probedAt = clock.now()
      return true
    },
    look() {
      const has = hasAddress()
      // An address where there was none: a cable, a wireless network.
      if (down && !hadAddress && has) answered()
      hadAddress = has
      decide()
    },
  }
}
