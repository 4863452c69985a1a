import { ChevronDown, ChevronUp } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { Delivery, Progress } from '../../../shared/contract/deliveries.ts'
import { useHost } from '../../lib/app-context.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Status } from '../../ui/status.tsx'
import { DeliveryProgress } from '../deliveries/delivery-progress.tsx'
import { stateWords } from '../deliveries/words.ts'
import { useSend } from './send-store.ts'
import css from './send.module.css'
import ui from '../../ui/ui.module.css'

const isActive = ({ state }: Delivery): boolean => state === 'queued' || state === 'sending'

/** What is under way and what this window sent, reachable from every screen. */
export function Queue() {
  const started = useSend((state) => state.started)
  const [open, setOpen] = useState(true)
  const active = useCall(
    'queue.active',
    (client) => client.deliveries.list({ state: ['queued', 'sending'], limit: 50 }),
    (client, changed) => client.deliveries.onChanged(changed),
  )
  const mine = useCall(
    `queue.mine ${started[0] ?? ''}`,
    async (client) => await Promise.all(started.slice(0, 20).map(async (id) => (await client.deliveries.show({ id })).delivery)),
    (client, changed) => client.deliveries.onChanged(changed),
  )
  const running = active.data?.deliveries ?? []
  const rows = [...running, ...(mine.data ?? []).filter(({ id }) => !running.some((other) => other.id === id))]
  if (rows.length === 0) return null
  const count = rows.filter(isActive).length
  return (
    <aside className={css['queue']} aria-label="Transfers">
      <button type="button" className={css['queueHead']} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className={ui['grow']}>{count > 0 ? `${count} under way` : 'All transfers done'}</span>
        {open ? <ChevronDown size={16} aria-hidden /> : <ChevronUp size={16} aria-hidden />}
      </button>
      {open ? (
        <div className={css['queueList']} tabIndex={0} role="group" aria-label="Transfer list">
          {rows.map((delivery) => (
            <QueueRow key={delivery.id} delivery={delivery} />
          ))}
          {count === 0 ? (
            <div className={css['queueItem']}>
              <Button compact onClick={() => useSend.setState({ started: [] })}>
                Clear list
              </Button>
            </div>
          ) : null}
        </div>
      ) : null}
    </aside>
  )
}

function QueueRow({ delivery }: { readonly delivery: Delivery }) {
  const { client } = useHost()
  const [progress, setProgress] = useState<Progress | null>(null)
  useEffect(
    () =>
      client.deliveries.onProgress((next) => {
        if (next.id === delivery.id) setProgress(next)
      }),
    [client, delivery.id],
  )
  const { tone, word } = stateWords(delivery)
  return (
    <div className={css['queueItem']}>
      <div className={ui['row']}>
        <Link href={`/deliveries/${delivery.id}`} className={`${ui['grow'] ?? ''} ${ui['cut'] ?? ''}`}>
          {delivery.remoteName}
        </Link>
        <Status tone={tone}>{word}</Status>
      </div>
      {isActive(delivery) ? (
        <>
          <DeliveryProgress name={delivery.remoteName} progress={progress} total={delivery.size} />
          <div>
            <Button compact onClick={() => void client.deliveries.cancel({ id: delivery.id }).catch(() => undefined)}>
              Cancel
            </Button>
          </div>
        </>
      ) : null}
    </div>
  )
}
