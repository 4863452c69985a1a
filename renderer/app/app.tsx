import { useEffect, useState } from 'react'
import type { WorkspaceStatus } from '../../shared/contract/workspace.ts'
import type { TransportState } from '../../shared/client/transport.ts'
import { FirstRun } from '../features/first-run/first-run.tsx'
import { Unlock } from '../features/first-run/unlock.tsx'
import { HostProvider, useHost } from '../lib/app-context.ts'
import type { Host } from '../lib/host.ts'
import { useCall } from '../lib/use-call.ts'
import { ErrorPanel } from '../ui/error-panel.tsx'
import { Card, Empty, Guard, Page, ProgressBar, Skeleton } from '../ui/page.tsx'
import { Toasts } from '../ui/toasts.tsx'
import { Shell } from './shell.tsx'
import css from './app.module.css'
import ui from '../ui/ui.module.css'

export function App({ host }: { readonly host: Host | null }) {
  if (host === null)
    return (
      <main className={css['gate']}>
        <Empty title="This address was used already">
          The address that opens this window works once. Ask Waybill for a fresh one: start it again, or look at the terminal in which it runs.
        </Empty>
      </main>
    )
  return (
    <HostProvider value={host}>
      <Guard>
        <Gate />
      </Guard>
      <ConnectionBanner />
      <Toasts />
    </HostProvider>
  )
}

/** Which part of the life of an installation this is: nothing there yet, locked, broken, open. */
function Gate() {
  const status = useCall('workspace.status', (client) => client.workspace.status({}), (client, changed) => client.workspace.onChanged(changed))
  const [justCreated, setJustCreated] = useState(false)
  useTheme(status.data?.state === 'open')
  if (status.data === undefined)
    return <main className={css['gate']}>{status.error === undefined ? <Skeleton height={220} /> : <ErrorPanel error={status.error} />}</main>
  const { state, error } = status.data
  if (state === 'missing' || justCreated) return <FirstRun status={status.data} onCreated={() => setJustCreated(true)} onDone={() => setJustCreated(false)} />
  if (state === 'locked') return <Unlock status={status.data} />
  if (state === 'moving')
    return (
      <main>
        <Moving status={status.data} />
      </main>
    )
  if (state === 'failed')
    return (
      <main>
        <Page title="The workspace cannot be opened" about={status.data.folder}>
          {error === null ? null : <ErrorPanel error={error} />}
        </Page>
      </main>
    )
  return <Shell />
}

/** An old workspace on its way to the present structure. */
function Moving({ status: { folder, moving } }: { readonly status: WorkspaceStatus }) {
  const percent = moving?.percent ?? 0
  return (
    <Page title="The workspace is being moved to the new structure" about={folder}>
      <Card title={moving?.stage === 'copy' ? 'Putting the old database aside' : `${percent} % is moved`}>
        <div className={ui['stack']}>
          <ProgressBar label="Moved" done={percent} total={100} />
          <p>This version keeps its records in another way. That takes a few minutes where there are a million deliveries, and happens once.</p>
          <p className="quiet">You may close Waybill meanwhile: nothing is lost, and it begins again at the next start. The old database stays in the folder before-update.</p>
        </div>
      </Card>
    </Page>
  )
}

/** The chosen theme on the root element; `system` follows the computer. */
function useTheme(open: boolean): void {
  const { client } = useHost()
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)')
    let theme: 'system' | 'light' | 'dark' = 'system'
    const apply = (): void => {
      document.documentElement.dataset['theme'] = theme === 'system' ? (media.matches ? 'dark' : 'light') : theme
    }
    const onChosen = (event: Event): void => {
      theme = (event as CustomEvent<typeof theme>).detail
      apply()
    }
    apply()
    if (open)
      client.workspace.settings({}).then(
        (settings) => {
          theme = settings.theme
          apply()
        },
        () => undefined,
      )
    media.addEventListener('change', apply)
    window.addEventListener('waybill-theme', onChosen)
    return () => {
      media.removeEventListener('change', apply)
      window.removeEventListener('waybill-theme', onChosen)
    }
  }, [client, open])
}

/** Says calmly that the core is away; the screen behind it stays. */
function ConnectionBanner() {
  const { transport } = useHost()
  const [state, setState] = useState<TransportState>('connected')
  useEffect(() => transport.onStateChange?.(setState), [transport])
  return (
    <div role="status" aria-live="polite">
      {state === 'connected' ? null : <div className={css['banner']}>Waybill&rsquo;s background process is starting again. Running jobs go on by themselves.</div>}
    </div>
  )
}
