/** 0 done · 1 failed, nothing delivered · 2 wrong use · 3 unknown or attention · 4 refused for trust or policy · 5 workspace. */
import type { Delivery } from '../../contract/deliveries.ts'
import { textOf, type WireError } from '../../contract/errors/index.ts'

export type Exit = 0 | 1 | 2 | 3 | 4 | 5

export function exitOfError(error: WireError): Exit {
  return textOf(error).exit
}

/** Of one received file. What is safely here and could not be released yet goes on by itself; what is held says why. */
export function exitOfReceived({ state, error }: Delivery): Exit {
  if (state === 'delivered') return 0
  return state === 'held' && error !== null ? exitOfError(error) : 3
}

/** Of one file: its delivery as it rests, or why there is none. */
export function exitOfDelivery(delivery: Delivery): Exit {
  if (delivery.direction === 'inbound') return exitOfReceived(delivery)
  if (delivery.outcome === 'delivered') return 0
  // There is a receipt, and the policy does not take it.
  if (delivery.state === 'disputed' && delivery.error?.code === 'policy.refused') return 4
  if (delivery.outcome === 'unknown' || delivery.state === 'awaiting-receipt') return 3
  if (delivery.error === null) return 1
  const exit = exitOfError(delivery.error)
  return exit === 4 ? 4 : 1
}

/** Of a whole command: all the same → that; some delivered and some not, or different reasons → attention. */
export function exitOfAll(exits: readonly Exit[]): Exit {
  const [first = 0, ...rest] = exits
  return rest.every((exit) => exit === first) ? first : 3
}
