/** The typed caller: `client.partners.list({})`, `client.deliveries.onChanged(listener)`. */
import type { CancelSignal, Client, ContractShape } from '../contract/define.ts'
import type { Transport } from './transport.ts'

/**
 * Derives a client from a contract: one function a procedure, one `on…` function a topic.
 * Functions reject with a `CallError`; `on…` returns its own unsubscribe.
 */
export function createClient<C extends ContractShape>(contract: C, transport: Transport): Client<C> {
  const client: Record<string, Record<string, unknown>> = {}
  for (const [domain, members] of Object.entries(contract)) {
    const calls: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(members)) {
      const wireName = `${domain}.${name}`
      if (member.kind === 'procedure') {
        calls[name] = (input: unknown, options: { readonly signal?: CancelSignal } = {}) => transport.call(wireName, input, options)
      } else {
        calls[`on${name.charAt(0).toUpperCase()}${name.slice(1)}`] = (listener: (payload: unknown) => void) =>
          transport.subscribe(wireName, listener)
      }
    }
    client[domain] = calls
  }
  // The loop above builds exactly what the type says; the compiler cannot follow it.
  return client as Client<C>
}
