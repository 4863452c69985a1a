/** Who is meant by a pair of AS2 identifiers. Identifiers name, they never prove. */
import type { MessageParty, Routes } from '../partners/routes.ts'
import { isAs2Id } from '../protocols/as2/message/index.ts'
import type { Identities } from './identities.ts'

export interface Parties {
  /** `from`: the partner's identifier; `to`: ours. Compared exactly. */
  find(from: string, to: string): MessageParty | null
}

export function createParties({ routes, identities }: { readonly routes: Pick<Routes, 'parties'>; readonly identities: Pick<Identities, 'idOn'> }): Parties {
  const exchanges = ({ connection }: MessageParty, from: string, to: string, same: (received: string, agreed: string) => boolean): boolean =>
    same(from, connection.as2Id) && same(to, identities.idOn(connection) ?? '')
  return {
    find(from, to) {
      const all = routes.parties()
      return all.find((party) => exchanges(party, from, to, Object.is)) ?? all.find((party) => exchanges(party, from, to, isAs2Id)) ?? null
    },
  }
}
