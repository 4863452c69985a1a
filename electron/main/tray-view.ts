/** Keeps the tray in step with the core. */
import type { Transport } from '../../shared/client/transport.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { TRAY_DELIVERIES, type TrayIcon, type TrayView } from './tray.ts'

/** At most one look at the core in this time. */
const SETTLE_MS = 300

/** Shows the last deliveries and what waits for a person; returns its own stop. */
export function followDeliveries(tray: TrayIcon, client: WaybillClient, transport: Transport): () => void {
  let view: TrayView = { connection: 'connecting', deliveries: [], attention: 0 }
  let timer: NodeJS.Timeout | undefined
  const show = (change: Partial<TrayView>): void => {
    view = { ...view, ...change }
    tray.show(view)
  }
  const look = async (): Promise<void> => {
    timer = undefined
    try {
      const [{ deliveries }, { attention }] = await Promise.all([client.deliveries.list({ limit: TRAY_DELIVERIES }), client.deliveries.counts({})])
      show({ deliveries, attention })
    } catch {
      // No workspace is open yet, or the core is away: the tray says so by its connection.
      show({ deliveries: [], attention: 0 })
    }
  }
  const soon = (): void => {
    timer ??= setTimeout(() => void look(), SETTLE_MS)
  }
  const stops = [
    transport.onStateChange?.((connection) => {
      show({ connection })
      if (connection === 'connected') soon()
    }),
    transport.onResync?.(soon),
    client.deliveries.onChanged(soon),
    client.workspace.onChanged(soon),
  ]
  show({})
  return () => {
    clearTimeout(timer)
    for (const stop of stops) stop?.()
  }
}
