import { Link } from 'wouter'
import { useCall } from '../../../lib/use-call.ts'
import type { Direction } from './flow-draft.ts'
import ui from '../../../ui/ui.module.css'

const SENT = { none: null, sign: 'signed', encrypt: 'encrypted', 'sign-and-encrypt': 'signed and encrypted' } as const

/** What the connections do with OpenPGP whatever the flow says, as a step that cannot be removed here. */
export function AgreedProtection({ direction, targets, number }: { readonly direction: Direction; readonly targets: readonly string[]; readonly number: number | null }) {
  const partners = [...new Set(targets.map((target) => target.split('/')[0] ?? ''))]
  const { data } = useCall(`flow.agreed ${partners.join(' ')}`, async (client) => await Promise.all(partners.map(async (id) => (await client.partners.show({ id })).document)))
  const agreed = targets.flatMap((target) => {
    const [id, connectionId] = target.split('/')
    const partner = data?.find((one) => one.id === id)
    const connection = partner?.connections.find((one) => connectionId === undefined || one.id === connectionId)
    if (partner === undefined || connection === undefined || !('pgp' in connection) || connection.pgp === undefined) return []
    const { outbound, inbound, requireSignature } = connection.pgp
    const what = direction === 'outbound' ? SENT[outbound] : inbound === 'open' ? `decrypted${requireSignature ? ', only if signed' : ''}` : null
    return what === null ? [] : [{ target, partner, connection: connection.id, what }]
  })
  return (
    <>
      {agreed.map(({ target, partner, connection, what }) => (
        <fieldset key={target} className={ui['fieldset']}>
          <legend className={ui['label']}>{number === null ? 'First:' : `${number}.`} OpenPGP for {partner.name}: {what}</legend>
          <p className={ui['help']}>
            By the setting of <Link href={`/partners/${partner.id}/edit`}>{partner.name}, {connection}</Link>. A flow may ask for more, never for less; the dry run names the keys.
          </p>
        </fieldset>
      ))}
    </>
  )
}
