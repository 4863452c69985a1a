/** Who we are towards a partner. */
import type { As2Connection } from '../../contract/connections/as2.ts'
import type { StationDocument } from '../../contract/station.ts'
import { AppError } from '../kernel/errors.ts'
import type { MessageRoute } from '../partners/routes.ts'
import type { As2Identity } from '../protocols/as2/build-message.ts'

export interface Identities {
  /** Rejects with `as2.not_agreed` when we have no AS2 identifier. */
  of(route: Pick<MessageRoute, 'connection' | 'partner'>): As2Identity
  /** Our identifier on a connection, or null. */
  idOn(connection: As2Connection): string | null
}

/** `product`: `name/version`, as in User-Agent. */
export function createIdentities({ station, product }: { readonly station: () => StationDocument | null; readonly product: string }): Identities {
  const idOn = (connection: As2Connection): string | null => connection.ourAs2Id ?? station()?.as2?.id ?? null
  return {
    idOn,
    of({ connection, partner }) {
      const id = idOn(connection)
      if (id === null) throw new AppError('as2.not_agreed', `neither the station nor ${partner.id}/${connection.id} names our AS2 identifier`)
      const own = station()?.as2
      return { id, email: own?.email, receiptUrl: own?.url, product }
    },
  }
}
