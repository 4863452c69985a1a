import { useEffect, useState } from 'react'
import type { z } from 'zod'
import type { DoctorReport, Settings } from '../../../shared/contract/workspace.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Check, SelectField } from '../../ui/field.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { BackgroundSettings } from '../background/background-card.tsx'
import { ReceiverCard } from './receiver-card.tsx'
import { SafekeepingCard } from './safekeeping-card.tsx'
import { Station } from './station-form.tsx'
import ui from '../../ui/ui.module.css'

type Chosen = z.infer<typeof Settings>

export function SettingsPage() {
  useEffect(leadToCard, [])
  const status = useCall('settings.status', (client) => client.workspace.status({}))
  return (
    <Page title="Settings">
      <div className={ui['split']}>
        <Station />
        <Preferences />
      </div>
      <BackgroundSettings />
      <ReceiverCard />
      <SafekeepingCard />
      <Card id="workspace" title="Workspace">
        {status.data === undefined ? (
          <Skeleton height={90} />
        ) : (
          <Facts
            items={[
              ['Folder', status.data.folder],
              ['Created', status.data.createdAt === null ? null : absoluteText(status.data.createdAt)],
              ['Program', `Waybill ${status.data.version}`],
              ['Keychain', !status.data.keychainAvailable ? 'does not answer' : status.data.keyInKeychain ? 'holds the key of this workspace' : 'not used by this workspace'],
            ]}
          />
        )}
      </Card>
      <Doctor />
    </Page>
  )
}

/** An address like /settings#receiver leads to that card; it comes when its data does. */
function leadToCard(): () => void {
  const id = window.location.hash.slice(1)
  if (id === '') return () => undefined
  const show = (): void => document.querySelector(`#${CSS.escape(id)}`)?.scrollIntoView({ block: 'start' })
  show()
  const watch = new MutationObserver(show)
  watch.observe(document.body, { childList: true, subtree: true })
  const timer = setTimeout(() => watch.disconnect(), CARDS_STAND_MS)
  return () => {
    clearTimeout(timer)
    watch.disconnect()
  }
}

const CARDS_STAND_MS = 1500

function Preferences() {
  const { client } = useHost()
  const settings = useCall('settings', (asked) => asked.workspace.settings({}))
  const action = useAction()
  const change = async (wanted: Partial<Chosen>): Promise<void> => {
    const now = await action.run(async () => await client.workspace.changeSettings(wanted))
    if (now === undefined) return
    window.dispatchEvent(new CustomEvent('waybill-theme', { detail: now.theme }))
    settings.reload()
  }
  if (settings.data === undefined) return <Skeleton height={240} />
  return (
    <Card id="notifications" title="This window">
      <div className={ui['stack']}>
        <SelectField
          label="Theme"
          value={settings.data.theme}
          onChange={(event) => void change({ theme: event.target.value as Chosen['theme'] })}
          options={[
            ['system', 'As the computer'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
        />
        <SelectField
          label="When the window is closed"
          value={settings.data.onClose}
          onChange={(event) => void change({ onClose: event.target.value as Chosen['onClose'] })}
          options={[
            ['ask', 'Ask'],
            ['tray', 'Go on in the tray'],
            ['quit', 'Quit'],
          ]}
        />
        <Check label="Notify me when something needs a look or has arrived" checked={settings.data.notifications} onChange={(event) => void change({ notifications: event.target.checked })} />
        {action.error ? <ErrorPanel error={action.error} /> : null}
      </div>
    </Card>
  )
}

const TONES = { ok: { tone: 'ok', word: 'Fine' }, warning: { tone: 'warn', word: 'Look at it' }, failed: { tone: 'bad', word: 'Failed' } } as const

function Doctor() {
  const { client } = useHost()
  const action = useAction()
  const [report, setReport] = useState<z.infer<typeof DoctorReport> | null>(null)
  return (
    <Card
      title="Self-test"
      actions={
        <Button disabled={action.busy} onClick={() => void action.run(async () => setReport(await client.workspace.doctor({})))}>
          {action.busy ? 'Testing…' : 'Run self-test'}
        </Button>
      }
    >
      {report === null && action.error === undefined ? <p className="quiet">Checks the runtime, its cryptography, the database, the keychain, the disk and the clock.</p> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <ul className={ui['stack']}>
        {report?.checks.map((check) => (
          <li key={check.name} className={ui['row']}>
            <Status tone={TONES[check.status].tone}>{TONES[check.status].word}</Status>
            <span className={ui['grow']}>
              <span className={ui['strong']}>{check.name}</span> {check.detail} {check.remedy}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
