/** Who is meant by a pair of AS2 identifiers. Identifiers name, they never prove. */
import type { MessageParty, Routes } from '../partners/routes.ts'
import type { Identities } from './identities.ts'

export interface Parties {
  /** `from`: the partner's identifier; `to`: ours. Compared exactly. */
  find(from: string, to: string): MessageParty | null
}

export function createParties({ routes, identities }: { readonly routes: Pick<Routes, 'parties'>; readonly identities: Pick<Identities, 'idOn'> }): Parties {
  return {
    find: (from, to) => routes.parties().find(({ connection }) => connection.as2Id === from && identities.idOn(connection) === to) ?? null,
  }
}
