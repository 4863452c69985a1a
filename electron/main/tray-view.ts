/** Keeps the tray in step with the core. */
import type { Transport } from '../../shared/client/transport.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { TrayIcon } from './tray.ts'
import { EMPTY_VIEW, TRAY_DELIVERIES, TRAY_FLOWS, type TrayView } from './tray-menu.ts'

/** At most one look at the core in this time. */
const SETTLE_MS = 300
/** What comes next moves on also when nothing happens. */
const LOOK_EVERY_MS = 60_000

export interface TrayFollower {
  /** Quitting waits for transfers, or not any more. */
  finishing(waits: boolean): void
  stop(): void
}

/** Shows the last deliveries, what runs and comes next, and what waits for a person. */
export function followCore(tray: TrayIcon, client: WaybillClient, transport: Transport): TrayFollower {
  let view: TrayView = EMPTY_VIEW
  let timer: NodeJS.Timeout | undefined
  const show = (change: Partial<TrayView>): void => {
    view = { ...view, ...change }
    tray.show(view)
  }
  const look = async (): Promise<void> => {
    timer = undefined
    try {
      const [{ deliveries }, { attention }, background, { paused, running, next, pending }, { flows }] = await Promise.all([
        client.deliveries.list({ limit: TRAY_DELIVERIES }),
        client.deliveries.counts({}),
        client.background.status({}),
        client.flows.overview({}),
        client.flows.list({ limit: TRAY_FLOWS }),
      ])
      const sending = new Set(deliveries.filter(({ state }) => state === 'sending').map(({ id }) => id))
      const progress = Object.fromEntries(Object.entries(view.progress).filter(([id]) => sending.has(id)))
      show({ deliveries, attention, progress, background, flows: { paused, running, next, pending, all: flows.map(({ id, name }) => ({ id, name })) } })
    } catch {
      // No workspace is open yet, or the core is away: the tray says so by its connection.
      show({ deliveries: [], attention: 0, progress: {}, background: null, flows: null })
    }
  }
  const soon = (): void => {
    timer ??= setTimeout(() => void look(), SETTLE_MS)
  }
  const every = setInterval(soon, LOOK_EVERY_MS)
  const stops = [
    transport.onStateChange?.((connection) => {
      show({ connection })
      if (connection === 'connected') soon()
    }),
    transport.onResync?.(soon),
    client.deliveries.onChanged(soon),
    client.deliveries.onProgress(({ id, bytes, total }) => {
      view = { ...view, progress: { ...view.progress, [id]: total === 0 ? 0 : bytes / total } }
      soon()
    }),
    client.background.onChanged(soon),
    client.flows.onChanged(soon),
    client.workspace.onChanged(soon),
  ]
  show({})
  return {
    finishing: (finishing) => show({ finishing }),
    stop() {
      clearTimeout(timer)
      clearInterval(every)
      for (const stop of stops) stop?.()
    },
  }
}
