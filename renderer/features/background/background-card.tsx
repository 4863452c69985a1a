import { useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { bytesText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { Time } from '../../ui/time.tsx'
import ui from '../../ui/ui.module.css'

const useBackground = () => useCall('background', (client) => client.background.status({}), (client, changed) => client.background.onChanged(changed))

/** What keeps work from going on by itself; nothing while nothing does. */
export function Surroundings() {
  const { client } = useHost()
  const { data } = useBackground()
  const action = useAction()
  if (data === undefined || (data.network.state === 'online' && !data.disk.low && data.leftAlone.length === 0)) return null
  const { network, disk, leftAlone, postponed } = data
  const waiting = postponed === 0 ? '' : `${postponed} ${postponed === 1 ? 'delivery waits' : 'deliveries wait'} and ${postponed === 1 ? 'loses' : 'lose'} no try. `
  return (
    <Card title="Waits by itself">
      <ul className={ui['stack']}>
        {network.state === 'online' ? null : (
          <li className={ui['row']}>
            <Status tone="wait">{network.state === 'offline' ? 'Offline' : 'Metered network'}</Status>
            <span className={ui['grow']}>
              {waiting}
              {network.state === 'offline' ? 'It goes on when the network is back.' : 'It goes on over another network.'} Since <Time at={network.since} />.
            </span>
          </li>
        )}
        {disk.low ? (
          <li className={ui['row']}>
            <Status tone="bad">Too little space</Status>
            <span className={ui['grow']}>
              {bytesText(disk.freeBytes)} are free, {bytesText(disk.reserveBytes)} are kept in reserve. Nothing is received or opened until some space is free.
            </span>
          </li>
        ) : null}
        {leftAlone.map((line) => (
          <li key={`${line.partner}/${line.connection}`} className={ui['row']}>
            <Status tone="warn">Not reached</Status>
            <span className={ui['grow']}>
              {line.partner}, {line.connection}: {line.failures} tries failed in a row. Next try <Time at={line.nextTryAt} />.
            </span>
            <Button disabled={action.busy} onClick={() => void action.run(async () => await client.background.tryAgain({ partner: line.partner, connection: line.connection }))}>
              Try this connection now
            </Button>
          </li>
        ))}
      </ul>
      {action.error ? <ErrorPanel error={action.error} /> : null}
    </Card>
  )
}

/** What runs without anybody looking, and when it holds still. */
export function BackgroundSettings() {
  const { client } = useHost()
  const settings = useCall('settings.background', (asked) => asked.workspace.settings({}), (asked, changed) => asked.workspace.onSettingsChanged(changed))
  const background = useBackground()
  const action = useAction()
  const [reserve, setReserve] = useState<string | null>(null)
  if (settings.data === undefined) return <Skeleton height={240} />
  const change = async (wanted: Parameters<typeof client.workspace.changeSettings>[0]): Promise<void> => {
    if ((await action.run(async () => await client.workspace.changeSettings(wanted))) !== undefined) settings.reload()
  }
  const keepReserve = async (): Promise<void> => {
    const wanted = Number(reserve)
    if (reserve === null || reserve === String(settings.data?.diskReserveMiB)) return setReserve(null)
    await change({ diskReserveMiB: wanted })
    setReserve(null)
  }
  return (
    <Card title="In the background">
      <div className={ui['stack']}>
        <Check label="Start without a window when I sign in" checked={settings.data.startAtLogin} onChange={(event) => void change({ startAtLogin: event.target.checked })} />
        <Check label="Keep this computer awake during a transfer" checked={settings.data.keepAwake} onChange={(event) => void change({ keepAwake: event.target.checked })} />
        <p className="quiet small">Both are done by the desktop app; a window in a browser changes nothing on the computer.</p>
        <SelectField
          label="On metered networks"
          help="As far as the system tells: Windows, Linux with NetworkManager, macOS for hotspots and Low Data Mode."
          value={settings.data.metered}
          onChange={(event) => void change({ metered: event.target.value === 'send' ? 'send' : 'wait' })}
          options={[
            ['wait', 'Wait with what runs by itself'],
            ['send', 'Send all the same'],
          ]}
        />
        <TextField
          label="Keep free on this disk (MiB)"
          inputMode="numeric"
          value={reserve ?? String(settings.data.diskReserveMiB)}
          onChange={(event) => setReserve(event.target.value.replaceAll(/\D/g, ''))}
          onBlur={() => void keepReserve()}
          help={background.data === undefined ? 'Nothing is received below it.' : `Nothing is received below it. Now ${bytesText(background.data.disk.freeBytes)} are free.`}
        />
        {action.error ? <ErrorPanel error={action.error} /> : null}
      </div>
    </Card>
  )
}
