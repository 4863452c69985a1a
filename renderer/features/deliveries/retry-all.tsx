import { useState } from 'react'
import { RETRIED_TOGETHER, type DeliveryState } from '../../../shared/contract/deliveries.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { toast } from '../../ui/toasts.tsx'

/** What the list shows, as the core is asked for it. */
export interface DeliveryFilter {
  readonly state?: DeliveryState[]
  readonly search?: string
  readonly direction?: 'outbound' | 'inbound'
  readonly partner?: string
  readonly since?: string
}

/** One press after a password was mended or a server came back: all that the list shows and that can be tried again. Nothing where there is none. */
export function RetryAll({ filter }: { readonly filter: DeliveryFilter }) {
  const { client } = useHost()
  const action = useAction()
  const [asking, setAsking] = useState(false)
  const state = RETRIED_TOGETHER.filter((one) => filter.state === undefined || filter.state.includes(one))
  const found = useCall(
    `deliveries.retryable ${JSON.stringify({ ...filter, state })}`,
    async (asked) => (state.length === 0 ? 0 : (await asked.deliveries.list({ ...filter, state: [...state], limit: 1 })).total),
    (asked, changed) => asked.deliveries.onChanged(changed),
  )
  const count = found.data ?? 0
  const retry = async (): Promise<void> => {
    setAsking(false)
    const done = await action.run(async () => await client.deliveries.retryAll({ ...filter, state: [...state] }))
    if (done === undefined) return
    const { retried, refused, remaining } = done
    const [first] = refused
    if (retried.length > 0) toast('run', 'Trying again', `${files(retried.length)}${remaining > 0 ? `; ${remaining} are left for the next time` : ''}`)
    if (first !== undefined) toast('warn', `${refused.length} cannot be tried again`, `${first.fileName}: ${textOf(first.error).title}`)
  }
  if (count < 2 && action.error === undefined) return null
  return (
    <>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <Button disabled={action.busy} onClick={() => setAsking(true)}>
        Retry {count}…
      </Button>
      <ConfirmDialog title={`Try ${files(count)} again?`} open={asking} action="Retry now" look="primary" onClose={() => setAsking(false)} onConfirm={() => void retry()}>
        <p>These are the ones in this list that failed, wait for their next try, or whose outcome is unknown. Where something may have arrived already, Waybill looks first and sends only what is not there.</p>
      </ConfirmDialog>
    </>
  )
}

const files = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`
