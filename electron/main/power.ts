/** Tells the core what only the system knows (sleep, network), and keeps the computer awake during a transfer, no longer. */
import { net, powerMonitor, powerSaveBlocker } from 'electron'
import type { Transport } from '../../shared/client/transport.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { readMetered } from './metered.ts'

const LOOK_EVERY_MS = 10_000
/** Asking the system costs a process. */
const METERED_EVERY_MS = 60_000

/** Returns its own stop. */
export function followPower(client: WaybillClient, transport: Transport): () => void {
  let told = ''
  let metered: boolean | null = null
  let meteredAt = -Infinity
  let blocker: number | null = null
  let transfers = 0

  const tellNetwork = async (again = false): Promise<void> => {
    if (performance.now() - meteredAt > METERED_EVERY_MS) {
      meteredAt = performance.now()
      metered = await readMetered(process.platform)
    }
    const online = net.isOnline()
    const now = JSON.stringify([online, metered])
    if (now === told && !again) return
    // Where no workspace is open, the next look tells.
    await client.background.tellNetwork({ online, metered }).then(
      () => (told = now),
      () => (told = ''),
    )
  }
  const power = (event: 'suspend' | 'resume' | 'lock' | 'unlock') => (): void => {
    client.flows.power({ event }).catch(() => undefined)
    if (event !== 'resume') return
    meteredAt = -Infinity
    void tellNetwork(true)
  }
  const release = (): void => {
    if (blocker !== null) powerSaveBlocker.stop(blocker)
    blocker = null
  }
  const keepAwake = (now: number): void => {
    transfers = now
    if (transfers === 0) return release()
    client.workspace.settings({}).then(
      (settings) => {
        // They may have ended while the settings were asked for.
        if (!settings.keepAwake || transfers === 0) release()
        else blocker ??= powerSaveBlocker.start('prevent-app-suspension')
      },
      () => undefined,
    )
  }

  const listeners = [['suspend', power('suspend')], ['resume', power('resume')], ['lock-screen', power('lock')], ['unlock-screen', power('unlock')]] as const
  for (const [event, listener] of listeners) powerMonitor.on(event as 'suspend', listener)
  const timer = setInterval(() => void tellNetwork(), LOOK_EVERY_MS)
  const stops = [
    client.background.onChanged(({ transfers }) => keepAwake(transfers)),
    transport.onStateChange?.((state) => {
      if (state === 'connected') void tellNetwork(true)
      // Nobody transfers any more.
      else keepAwake(0)
    }),
  ]
  return () => {
    clearInterval(timer)
    for (const [event, listener] of listeners) powerMonitor.removeListener(event as 'suspend', listener)
    for (const stop of stops) stop?.()
    release()
  }
}
