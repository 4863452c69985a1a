import { useState } from 'react'
import type { SafekeepingState } from '../../../shared/contract/safekeeping.ts'
import { useHost } from '../../lib/app-context.ts'
import { absoluteText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import ui from '../../ui/ui.module.css'

const MIB = 1024 ** 2

/** Backups and anchors: where they go, how often, and the newest of each. */
export function SafekeepingCard() {
  const state = useCall('safekeeping.state', (client) => client.safekeeping.state({}), (client, changed) => client.safekeeping.onChanged(changed))
  return (
    <Card id="safekeeping" title="Safe keeping">
      {state.error ? <ErrorPanel error={state.error} /> : null}
      {state.data === undefined ? <Skeleton height={260} /> : <Keeping key={JSON.stringify(state.data.settings)} state={state.data} reload={state.reload} />}
    </Card>
  )
}

function Keeping({ state: { settings, lastBackup, lastAnchor, problem }, reload }: { readonly state: SafekeepingState; readonly reload: () => void }) {
  const { client } = useHost()
  const saving = useAction()
  const copying = useAction()
  const [folder, setFolder] = useState(settings.folder ?? '')
  const [everyDays, setEveryDays] = useState(String(settings.everyDays))
  const [keep, setKeep] = useState(String(settings.keep))
  const [anchorFolder, setAnchorFolder] = useState(settings.anchorFolder ?? '')
  const [leastMib, setLeastMib] = useState(String(Math.round(settings.leastFreeBytes / MIB)))
  const place = (text: string): string | null => (text.trim() === '' ? null : text.trim())
  const save = async (): Promise<void> => {
    const saved = await saving.run(async () => await client.safekeeping.configure({ folder: place(folder), everyDays: Number(everyDays), keep: Number(keep), anchorFolder: place(anchorFolder), leastFreeBytes: Math.max(1, Number(leastMib) * MIB) }))
    if (saved !== undefined) toast('ok', 'Saved', 'Backups and anchors go there from now on.')
  }
  const backUp = async (): Promise<void> => {
    const made = await copying.run(async () => await client.safekeeping.backUp({}))
    if (made === undefined) return
    toast('ok', 'Backed up', `${made.records} records and ${made.payloads} files are in ${made.file}.`)
    reload()
  }
  return (
    <div className={ui['stack']}>
      <p className="quiet">A backup is one sealed file with everything in it. It opens with your recovery passphrase only. An anchor is a small signed file: kept elsewhere, it shows if somebody ever writes the records anew.</p>
      <Facts
        items={[
          ['Newest backup', lastBackup === null ? <Status key="none" tone="warn">None yet</Status> : `${absoluteText(lastBackup.at)}, ${lastBackup.file}`],
          ['Newest anchor', lastAnchor === null ? 'None yet' : `${absoluteText(lastAnchor.at)}, record ${lastAnchor.seq}`],
        ]}
      />
      {problem === null ? null : <Status tone="bad">{problem}</Status>}
      <TextField label="Folder for backups" value={folder} placeholder="/mnt/backup/waybill" onChange={(event) => setFolder(event.target.value)} help="Best on another disk, or a share of another computer. Empty: backups are made on the command line only." />
      <div className={ui['split']}>
        <TextField label="A new backup every (days)" type="number" min={1} max={365} value={everyDays} onChange={(event) => setEveryDays(event.target.value)} />
        <TextField label="Backups that are kept there" type="number" min={1} max={365} value={keep} onChange={(event) => setKeep(event.target.value)} />
      </div>
      <TextField label="Folder for a daily anchor" value={anchorFolder} onChange={(event) => setAnchorFolder(event.target.value)} help="Where you cannot change files afterwards is best. Empty: save anchors yourself, under Audit." />
      <TextField label="Warn below this much free space (MiB)" type="number" min={1} value={leastMib} onChange={(event) => setLeastMib(event.target.value)} />
      {saving.error ? <ErrorPanel error={saving.error} /> : null}
      {copying.error ? <ErrorPanel error={copying.error} /> : null}
      <div className={ui['row']}>
        <Button look="primary" disabled={saving.busy} onClick={() => void save()}>
          Save
        </Button>
        <Button disabled={copying.busy || settings.folder === null} onClick={() => void backUp()}>
          {copying.busy ? 'Backing up…' : 'Back up now'}
        </Button>
        {settings.folder === null ? <span className="quiet small">Choose and save a folder first.</span> : null}
      </div>
    </div>
  )
}
