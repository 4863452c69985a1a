/** Who asks for something: written into the audit trail, and the base of authorisation. */
export interface Actor {
  /** `window` may hand over files only as capabilities; `cli` and `system` may name paths. */
  readonly kind: 'window' | 'cli' | 'system'
  /** The operating system's user, or the process, e.g. `mia`. */
  readonly name: string
}

export const systemActor: Actor = { kind: 'system', name: 'waybill' }

/** As it stands in the audit trail: `cli:mia`. */
export function actorText(actor: Actor): string {
  return `${actor.kind}:${actor.name}`
}
