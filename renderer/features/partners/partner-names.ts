import { useCall } from '../../lib/use-call.ts'

/** Names by id, as people know their partners; an id stands for itself where the partner is gone. */
export function usePartnerNames(): (id: string) => string {
  const partners = useCall(
    'partners.names',
    async (client) => new Map((await client.partners.list({ limit: 1000 })).partners.map(({ id, name }) => [id, name])),
    (client, changed) => client.partners.onChanged(changed),
  )
  return (id) => partners.data?.get(id) ?? id
}
