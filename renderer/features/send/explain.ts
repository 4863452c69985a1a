/** What “delivered” will mean on a connection, and what the partner needs to read the file. Pure. */
import type { Connection } from '../../../shared/contract/connections/index.ts'

export function explainSending(connection: Connection): readonly string[] {
  if (connection.protocol === 'as2') return [receiptText(connection.receipt)]
  const { pgp } = connection
  if (pgp === undefined || pgp.outbound === 'none') return []
  const encrypted = pgp.outbound !== 'sign'
  const signed = pgp.outbound !== 'encrypt'
  return [
    `OpenPGP: ${encrypted ? 'only the partner’s key opens it' : 'anybody can read it'}${signed ? ', and our signature proves that it is ours and unchanged' : ''}.${pgp.suffix === '' ? '' : ` There it is called …${pgp.suffix}.`}`,
  ]
}

function receiptText({ request, mode }: Extract<Connection, { protocol: 'as2' }>['receipt']): string {
  if (request === 'none') return 'No receipt is asked for: delivered then means only that the partner’s server took the message.'
  const proof = request === 'signed' ? 'Delivered means that the partner signed a receipt for exactly this content.' : 'Delivered means that the partner returned a receipt for this content; nobody signs it.'
  return mode === 'async' ? `${proof} It comes later by itself; until then the delivery says “Receipt awaited”.` : proof
}
