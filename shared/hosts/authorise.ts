/** Who may make calls of which effect. */
import type { Effect } from '../contract/define.ts'
import type { Actor } from '../core/kernel/actor.ts'

/**
 * Today one person owns the workspace, so every kind of actor may use every effect; what a window may not do is to name
 * files (see `path-sources.ts`). A read-only host would be one line here.
 */
const PERMITTED: Readonly<Record<Actor['kind'], ReadonlySet<Effect>>> = {
  window: new Set<Effect>(['read', 'write', 'dangerous']),
  cli: new Set<Effect>(['read', 'write', 'dangerous']),
  system: new Set<Effect>(['read', 'write', 'dangerous']),
}

/** Whether an actor may make a call of this effect; an actor of unknown kind may do nothing. */
export function mayUse(actor: Actor, effect: Effect): boolean {
  return Object.hasOwn(PERMITTED, actor.kind) && PERMITTED[actor.kind].has(effect)
}
