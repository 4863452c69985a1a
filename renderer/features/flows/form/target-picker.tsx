import { Link } from 'wouter'
import { useCall } from '../../../lib/use-call.ts'
import { Check } from '../../../ui/field.tsx'
import { Skeleton } from '../../../ui/page.tsx'
import { PROTOCOL_NAMES } from '../../partners/protocol-names.ts'
import type { Direction } from './flow-draft.ts'
import css from '../flows.module.css'
import ui from '../../../ui/ui.module.css'

/** Partners and connections to choose from. What cannot serve the direction is not offered. */
export function TargetPicker({ direction, targets, problem, onChange }: { readonly direction: Direction; readonly targets: readonly string[]; readonly problem: string | undefined; readonly onChange: (targets: readonly string[]) => void }) {
  const { data } = useCall(
    'flow.targets',
    async (client) => {
      const { partners } = await client.partners.list({ limit: 1000 })
      return await Promise.all(partners.map(async ({ id }) => (await client.partners.show({ id })).document))
    },
    (client, changed) => client.partners.onChanged(changed),
  )
  if (data === undefined) return <Skeleton height={80} />
  const offered = data.flatMap((partner) =>
    partner.connections
      .filter((connection) => direction === 'outbound' || ('receive' in connection && connection.receive !== undefined))
      .map((connection) => ({ value: `${partner.id}/${connection.id}`, alone: partner.connections.length === 1, partner, connection })),
  )
  const isChosen = (value: string, alone: boolean): boolean => targets.includes(value) || (alone && targets.includes(value.split('/')[0] ?? ''))
  const without = (value: string): readonly string[] => targets.filter((other) => other !== value && other !== value.split('/')[0])
  // What stands in the document but is not there any more stays visible, so that it can be taken out.
  const gone = targets.filter((target) => !offered.some(({ value }) => value === target || value.startsWith(`${target}/`)))
  return (
    <fieldset className={css['group']} aria-label={direction === 'outbound' ? 'To' : 'From'}>
      <div className={css['targets']}>
        {offered.map(({ value, alone, partner, connection }) => (
          <Check
            key={value}
            label={
              <>
                {partner.name} <span className="quiet">{PROTOCOL_NAMES[connection.protocol]}, {connection.id}</span>
              </>
            }
            checked={isChosen(value, alone)}
            onChange={(event) => onChange(event.target.checked ? [...targets, value] : without(value))}
          />
        ))}
        {gone.map((target) => (
          <Check key={target} label={<>{target} <span className="quiet">not there any more</span></>} checked onChange={() => onChange(targets.filter((other) => other !== target))} />
        ))}
        {offered.length === 0 ? (
          <p className="quiet">
            {direction === 'outbound' ? 'There is no partner yet. ' : 'No connection collects files yet: switch on receiving at one. '}
            <Link href="/partners">Go to partners</Link>
          </p>
        ) : null}
        {problem === undefined ? null : <p className={ui['problem']} role="alert">{problem}</p>}
        <p className="quiet small">Protection (OpenPGP, signatures, receipts) is set at the connection; the dry run shows it for each file.</p>
      </div>
    </fieldset>
  )
}
